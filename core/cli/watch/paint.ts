import type { Line, Style } from './line.ts';

type Rgb = readonly [number, number, number];
interface Look {
  readonly colour?: Rgb;
  readonly bold?: boolean;
  readonly reverse?: boolean;
  readonly dim?: boolean;
}
export type Theme = 'dark' | 'light';

// The values of the design tokens (renderer/ui/tokens.css): GPUs have the same colour on every face.
const gpuColours: Readonly<Record<Theme, readonly string[]>> = {
  dark: ['45e0f0', 'edd467', '97789f', 'de8941', '7d89e4', 'aec8aa', 'b397ae', '61bdfc'],
  light: ['097585', 'a36808', '4d2c7d', '8c2e06', '5c4aa1', '697a5f', '682c4d', '0a1f33'],
};
const named: Readonly<Record<Exclude<Style, `gpu-${number}`>, { readonly dark?: string; readonly light?: string; readonly bold?: boolean; readonly reverse?: boolean; readonly dim?: boolean }>> = {
  ink: {},
  quiet: { dark: '88929b', light: '5d646a' },
  title: { bold: true },
  fine: { dark: '4fbf7f', light: '176c3c' },
  attention: { dark: 'e9b44c', light: '855700', bold: true },
  problem: { dark: 'ff7369', light: 'b3261e', bold: true },
  accent: { dark: '7db2ff', light: '1a56c4' },
  track: { dark: '4a535b', light: '8b908f', dim: true },
  selected: { reverse: true },
  key: { dark: '7db2ff', light: '1a56c4', bold: true },
  'throttle-power': { dark: '66717b', light: '8f969c' },
  'throttle-heat': { dark: 'e9b44c', light: 'c98a00' },
  'throttle-hardware': { dark: 'ff7369', light: 'c5372d' },
};

const toRgb = (hex: string): Rgb => [Number.parseInt(hex.slice(0, 2), 16), Number.parseInt(hex.slice(2, 4), 16), Number.parseInt(hex.slice(4, 6), 16)];

function findLook(style: Style, theme: Theme): Look {
  if (style.startsWith('gpu-')) return { colour: toRgb(gpuColours[theme][Number(style.slice(4)) % 8] ?? '888888') };
  const { dark, light, ...rest } = named[style as keyof typeof named];
  const hex = theme === 'dark' ? dark : light;
  return hex === undefined ? rest : { ...rest, colour: toRgb(hex) };
}

const distance = (a: Rgb, b: Rgb): number => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
const cube: readonly number[] = [0, 95, 135, 175, 215, 255];

/** The nearest of xterm's 6×6×6 cube and its 24 greys. */
export function nearest256([r, g, b]: Rgb): number {
  const step = (value: number): number => cube.reduce<number>((best, c, i) => (Math.abs(c - value) < Math.abs((cube[best] ?? 0) - value) ? i : best), 0);
  const [i, j, k] = [step(r), step(g), step(b)];
  const inCube: Rgb = [cube[i] ?? 0, cube[j] ?? 0, cube[k] ?? 0];
  const grey = Math.min(23, Math.max(0, Math.round(((r + g + b) / 3 - 8) / 10)));
  const level = 8 + grey * 10;
  return distance([r, g, b], inCube) <= distance([r, g, b], [level, level, level]) ? 16 + 36 * i + 6 * j + k : 232 + grey;
}

const sixteen: readonly (readonly [Rgb, number])[] = [
  [[205, 49, 49], 31], [[13, 188, 121], 32], [[229, 229, 16], 33], [[36, 114, 200], 34], [[188, 63, 188], 35], [[17, 168, 205], 36], [[102, 102, 102], 90],
];

function colourCode(rgb: Rgb, depth: number): string | null {
  if (depth >= 24) return `38;2;${rgb.join(';')}`;
  if (depth >= 8) return `38;5;${String(nearest256(rgb))}`;
  if (depth < 4) return null;
  return String(sixteen.reduce((best, one) => (distance(one[0], rgb) < distance(best[0], rgb) ? one : best))[1]);
}

/** From styles to escape sequences. `depth` 1 (NO_COLOR): bold and reverse stay, colours do not. */
export function createPainter(depth: number, theme: Theme): (line: Line) => string {
  const codes = new Map<Style, string>();
  const codeOf = (style: Style): string => {
    let code = codes.get(style);
    if (code === undefined) {
      const look = findLook(style, theme);
      code = [look.bold ? '1' : null, look.dim && depth < 4 ? '2' : null, look.reverse ? '7' : null, look.colour ? colourCode(look.colour, depth) : null].filter((c) => c !== null).join(';');
      codes.set(style, code);
    }
    return code;
  };
  return (line) => line.map((s) => {
    const code = codeOf(s.style);
    return code === '' ? s.text : `\u001b[${code}m${s.text}\u001b[0m`;
  }).join('');
}

/** Light where the terminal says that its background is (COLORFGBG "0;15"); dark is the default. */
export function decideTheme(env: NodeJS.ProcessEnv): Theme {
  const background = Number((env['COLORFGBG'] ?? '').split(';').at(-1) || Number.NaN);
  return background === 7 || (background >= 9 && background <= 15) ? 'light' : 'dark';
}
