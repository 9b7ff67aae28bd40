/** Pixels to a CSS pixel: sharp on a dense screen and in a document. */
const SCALE = 2;
/** Browsers give no larger canvas on all machines. */
const MOST_PIXELS = 8192;
const drawn = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-opacity', 'fill-opacity', 'opacity', 'font-family', 'font-size', 'font-weight', 'text-anchor'] as const;

/** A line under a drawing, behind a mark in its colour. */
export interface CaptionLine {
  readonly text: string;
  readonly colour: string;
}
const LINE = 20;
const PAD = 12;

function makeElement(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** A drawing as a text of its own: what style sheets say of it is written into it, and its legend stands below. */
export function standAlone(svg: SVGSVGElement, look: { readonly background: string; readonly ink: string; readonly caption: readonly CaptionLine[] }): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const originals = [...svg.querySelectorAll('*')];
  [...copy.querySelectorAll('*')].forEach((element, i) => {
    const original = originals[i];
    if (original === undefined) return;
    const style = getComputedStyle(original);
    for (const property of drawn) {
      const value = style.getPropertyValue(property);
      if (value !== '') element.setAttribute(property, value);
    }
    element.removeAttribute('style');
  });
  const box = svg.getBoundingClientRect();
  const width = Math.max(1, Math.round(box.width));
  const drawing = Math.max(1, Math.round(box.height));
  const height = drawing + (look.caption.length === 0 ? 0 : PAD + look.caption.length * LINE);
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  copy.setAttribute('viewBox', `0 0 ${width} ${height}`);
  copy.prepend(makeElement('rect', { width, height, fill: look.background }));
  look.caption.forEach(({ text, colour }, i) => {
    const top = drawing + i * LINE;
    const words = makeElement('text', { x: PAD + 20, y: top + 11, fill: look.ink, 'font-family': 'sans-serif', 'font-size': 12 });
    words.textContent = text;
    copy.append(makeElement('rect', { x: PAD, y: top, width: 14, height: 14, fill: colour }), words);
  });
  return new XMLSerializer().serializeToString(copy);
}

/** The size in pixels that a picture of `width` × `height` CSS px becomes, within what a canvas can be. Pure. */
export function decidePixels(width: number, height: number): { readonly width: number; readonly height: number } {
  const scale = Math.min(SCALE, MOST_PIXELS / width, MOST_PIXELS / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** An SVG as the bytes of a PNG. The picture is drawn as an image: nothing in it runs, nothing is fetched. */
export async function encodeSvgAsPng(svg: string): Promise<Uint8Array> {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const { width, height } = decidePixels(image.naturalWidth || 1, image.naturalHeight || 1);
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('This browser gives no canvas.');
    context.drawImage(image, 0, 0, width, height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
    if (blob === null) throw new Error('The picture is too large for this browser.');
    return new Uint8Array(await blob.arrayBuffer());
  } finally {
    URL.revokeObjectURL(url);
  }
}
