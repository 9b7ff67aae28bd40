import { displayWidth, fitText } from './display-width.ts';

export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way first: the highest number is left out first; without it a column always stays. */
  readonly dropOrder?: number;
  /** May be cut to this many cells before anything is left out. */
  readonly shrinkTo?: number;
}

const GAP = 2;

/** Which columns fit, and how wide each is. Pure; `room` null means no limit. */
export function decideColumns(columns: readonly TableColumn[], natural: readonly number[], room: number | null): readonly { readonly index: number; readonly width: number }[] {
  let kept = columns.map((_, index) => ({ index, width: natural[index] ?? 0 }));
  if (room === null) return kept;
  const total = (list: readonly { readonly width: number }[]): number => list.reduce((sum, c) => sum + c.width, 0) + GAP * Math.max(0, list.length - 1);
  const least = (list: typeof kept): number => total(list.map((c) => ({ width: Math.min(c.width, columns[c.index]?.shrinkTo ?? c.width) })));
  while (least(kept) > room) {
    const order = kept.map((c) => columns[c.index]?.dropOrder ?? -1);
    const highest = Math.max(...order);
    if (highest < 0) break;
    kept = kept.filter((_, i) => i !== order.lastIndexOf(highest));
  }
  let over = total(kept) - room;
  // The widest that may shrink gives a cell at a time, so that two long columns end about equal.
  while (over > 0) {
    let widest: { index: number; width: number } | null = null;
    for (const c of kept) if (c.width > (columns[c.index]?.shrinkTo ?? c.width) && (widest === null || c.width > widest.width)) widest = c;
    if (widest === null) break;
    widest.width -= 1;
    over -= 1;
  }
  return kept;
}

/** A table of texts as lines, at most `room` cells wide each. */
export function renderTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[], room: number | null): readonly string[] {
  const natural = columns.map((column, i) => rows.reduce((w, row) => Math.max(w, displayWidth(row[i] ?? '')), displayWidth(column.title)));
  const kept = decideColumns(columns, natural, room);
  const renderRow = (cells: readonly string[]): string => {
    const line = kept.map(({ index, width }) => fitText(cells[index] ?? '', width, columns[index]?.align ?? 'left')).join(' '.repeat(GAP)).trimEnd();
    return room === null ? line : fitText(line, room).trimEnd();
  };
  return [renderRow(columns.map((c) => c.title)), ...rows.map(renderRow)];
}
