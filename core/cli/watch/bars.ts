/** Bars and sparklines of eighth blocks. Pure: numbers in, exactly as many cells out. */
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const heights = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** A horizontal bar; what is not filled is the track. A share above nothing shows at least one eighth. */
export function renderBar(share: number | null, cells: number): { readonly filled: string; readonly track: string } {
  if (share === null || !Number.isFinite(share)) return { filled: '', track: ' '.repeat(cells) };
  const clamped = Math.min(1, Math.max(0, share));
  const units = clamped === 0 ? 0 : Math.max(1, Math.round(clamped * cells * 8));
  const whole = Math.floor(units / 8);
  const filled = '█'.repeat(whole) + (eighths[units % 8] ?? '');
  return { filled, track: '·'.repeat(Math.max(0, cells - filled.length)) };
}

/** One cell of a sparkline; a blank where nothing was read. Zero is the lowest block, not a blank: it was read. */
export function renderHeight(value: number | null, highest: number): string {
  if (value === null || !(highest > 0)) return ' ';
  const level = Math.ceil((Math.min(value, highest) / highest) * heights.length);
  return heights[Math.min(heights.length - 1, Math.max(0, level - 1))] ?? ' ';
}
