export interface CellPlace {
  readonly row: number;
  readonly column: number;
}

/** A press of PageUp or PageDown goes so many rows. */
const PAGE_ROWS = 10;

/** Where the focus goes in a grid by a key; null: the key is not the grid's. Stops at the edges. Pure. */
export function decideFocus(at: CellPlace, size: { readonly rows: number; readonly columns: number }, key: string, ctrl: boolean): CellPlace | null {
  const clamp = (n: number, max: number): number => Math.max(0, Math.min(max, n));
  const go = (rows: number, columns: number): CellPlace => ({ row: clamp(at.row + rows, size.rows - 1), column: clamp(at.column + columns, size.columns - 1) });
  switch (key) {
    case 'ArrowDown': return go(1, 0);
    case 'ArrowUp': return go(-1, 0);
    case 'ArrowRight': return go(0, 1);
    case 'ArrowLeft': return go(0, -1);
    case 'PageDown': return go(PAGE_ROWS, 0);
    case 'PageUp': return go(-PAGE_ROWS, 0);
    case 'Home': return { row: ctrl ? 0 : at.row, column: 0 };
    case 'End': return { row: ctrl ? size.rows - 1 : at.row, column: size.columns - 1 };
    default: return null;
  }
}
