import { defaultSchema } from 'rehype-sanitize';

/** As much of a syntax tree's node as is needed here. */
interface Node {
  type: string;
  value?: string;
  alt?: string | null;
  url?: string;
  identifier?: string;
  label?: string | null;
  children?: Node[];
}

/**
 * Nothing that an answer says is lost or fetched: HTML stays text, a picture becomes the words that describe it (with
 * its address as a link), a footnote stays where it was written.
 */
export function plainNodes(): (tree: unknown) => void {
  return (tree) => {
    if (isNode(tree)) walk(tree, false);
  };
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function walk(node: Node, inLink: boolean): void {
  if (node.children === undefined) return;
  const linked = inLink || node.type === 'link' || node.type === 'linkReference';
  const block = node.type === 'root' || node.type === 'blockquote' || node.type === 'listItem';
  node.children = node.children.map((child): Node => {
    switch (child.type) {
      case 'html': {
        const text = { type: 'text', value: child.value ?? '' };
        return block ? { type: 'paragraph', children: [text] } : text;
      }
      case 'image': {
        const text: Node = { type: 'text', value: describePicture(child.alt) };
        return child.url === undefined || linked ? text : { type: 'link', url: child.url, children: [text] };
      }
      case 'imageReference':
        return { type: 'text', value: describePicture(child.alt) };
      case 'footnoteReference':
        return { type: 'text', value: `[^${child.label ?? child.identifier ?? ''}]` };
      case 'footnoteDefinition':
        return { type: 'blockquote', children: [{ type: 'paragraph', children: [{ type: 'text', value: `[^${child.label ?? child.identifier ?? ''}]` }] }, ...(child.children ?? [])] };
      default:
        return child;
    }
  });
  for (const child of node.children) walk(child, linked);
}

const describePicture = (alt: string | null | undefined): string => (alt ? `[picture: ${alt}]` : '[picture]');

/** What may be drawn: text, lists, tables, code, links to the web. No picture, no form, no style, no identifier. */
export const answerSchema = {
  ...defaultSchema,
  tagNames: (defaultSchema.tagNames ?? []).filter((tag) => !['img', 'picture', 'source', 'details', 'summary', 'section', 'q', 'tt'].includes(tag)),
  protocols: { href: ['http', 'https'] },
  attributes: {
    a: ['href', 'title'],
    code: [['className', /^language-./]] as [string, RegExp][],
    input: [['type', 'checkbox'], 'checked', ['disabled', true]] as (string | [string, ...(string | boolean)[]])[],
    th: ['align'],
    td: ['align'],
    ol: ['start'],
    li: [['className', 'task-list-item']] as [string, string][],
    ul: [['className', 'contains-task-list']] as [string, string][],
  },
};

interface WithParser {
  parser?: unknown;
}

let kept: unknown = null;

/** Keeps the parser of the first document, with its extensions put together: making it anew took longer than a short text. */
export function keepParser(this: WithParser): void {
  kept ??= this.parser;
}

/** Parses with the one that was kept. */
export function keptParser(this: WithParser): void {
  this.parser = kept;
}

const START = '\ue000';
const END = '\ue001';

/** Marks a stretch of text: `markWords` turns it into a mark element. Pure. */
export function putMarks(text: string, from: number, to: number): string {
  return `${text.slice(0, from)}${START}${text.slice(from, to)}${END}${text.slice(to)}`;
}

/** Splits text at the marks: odd pieces stood between them. Pure. */
export function splitMarks(text: string): readonly string[] {
  return text.split(/[\ue000\ue001]/);
}

/** Characters that an answer could use to pretend a mark. Pure. */
export function withoutMarks(text: string): string {
  return text.includes(START) || text.includes(END) ? text.replace(/[\ue000\ue001]/g, '\ufffd') : text;
}

interface HastNode {
  type: string;
  value?: string;
  tagName?: string;
  properties?: Record<string, never>;
  children?: HastNode[];
}

/** Text between the marks becomes a mark element. */
export function markWords(): (tree: unknown) => void {
  let inside = false;
  const visit = (node: HastNode): void => {
    if (node.children === undefined) return;
    node.children = node.children.flatMap((child): HastNode[] => {
      if (child.type !== 'text' || child.value === undefined) {
        visit(child);
        return [child];
      }
      const out: HastNode[] = [];
      for (const [i, piece] of splitMarks(child.value).entries()) {
        if (i > 0) inside = !inside;
        if (piece === '') continue;
        out.push(inside ? { type: 'element', tagName: 'mark', properties: {}, children: [{ type: 'text', value: piece }] } : { type: 'text', value: piece });
      }
      return out;
    });
  };
  return (tree) => {
    inside = false;
    if (isNode(tree)) visit(tree);
  };
}
