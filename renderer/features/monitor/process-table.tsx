import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import type { GpuProcess } from '../../../contract/gpu.ts';
import { Icon } from '../../ui/icons.tsx';
import { rowKey, type CellContext, type ProcessColumn, type Sorting } from './process-columns.tsx';
import { ProcessHistory } from './process-history.tsx';
import { TerminateButton } from './terminate-button.tsx';

export interface ProcessTableProps {
  readonly rows: readonly GpuProcess[];
  readonly columns: readonly ProcessColumn[];
  readonly context: CellContext;
  readonly sorting: Sorting;
  onSort(sorting: Sorting): void;
}

/** More rows than this are drawn only as far as they can be seen. */
const MANY_ROWS = 100;
const ROW_PX = 28;
const HISTORY_PX = 112;
const LEAST_PX = 44;
const MOST_PX = 1200;
const ACTION_PX = 110;
const OPENER_PX = 30;

/** Sortable by the head, columns as wide as one drags them, each row opens to its history. */
export function ProcessTable({ rows, columns, context, sorting, onSort }: ProcessTableProps): ReactNode {
  const [widths, setWidths] = useState<Readonly<Record<string, number>>>({});
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const scroller = useRef<HTMLDivElement>(null);
  const many = rows.length > MANY_ROWS;
  const virtual = useVirtualizer({ count: many ? rows.length : 0, getScrollElement: () => scroller.current, estimateSize: (i) => ROW_PX + (open.has(keyAt(rows, i)) ? HISTORY_PX : 0), overscan: 12, getItemKey: (i) => keyAt(rows, i) });
  const items = many ? virtual.getVirtualItems() : null;
  const shown = items === null ? rows : items.flatMap((item) => rows[item.index] ?? []);
  const before = items?.[0]?.start ?? 0;
  const after = items === null ? 0 : Math.max(0, virtual.getTotalSize() - (items.at(-1)?.end ?? 0));
  const span = columns.length + 2;
  const toggle = (key: string): void => {
    setOpen((now) => {
      const next = new Set(now);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  };
  return (
    <div ref={scroller} className={`proc-scroll${many ? ' many' : ''}`}>
      <table className="tbl" aria-rowcount={rows.length + 1}>
        <colgroup>
          <col style={{ width: OPENER_PX }} />
          {columns.map((c) => (
            <col key={c.id} style={columnStyle(c, widths[c.id])} />
          ))}
          <col style={{ width: ACTION_PX }} />
        </colgroup>
        <thead>
          <tr>
            <th><span className="sr">History</span></th>
            {columns.map((c) => (
              <Head key={c.id} column={c} width={widths[c.id]} sorting={sorting} onSort={onSort} onWidth={(px) => setWidths((now) => ({ ...now, [c.id]: px }))} />
            ))}
            <th><span className="sr">Action</span></th>
          </tr>
        </thead>
        <tbody>
          {before > 0 && <tr className="filler" aria-hidden="true"><td colSpan={span} style={{ height: before }} /></tr>}
          {shown.map((p) => {
            const key = rowKey(p);
            return <Row key={key} process={p} columns={columns} context={context} isOpen={open.has(key)} span={span} onToggle={() => toggle(key)} />;
          })}
          {after > 0 && <tr className="filler" aria-hidden="true"><td colSpan={span} style={{ height: after }} /></tr>}
        </tbody>
      </table>
    </div>
  );
}

const keyAt = (rows: readonly GpuProcess[], index: number): string => {
  const row = rows[index];
  return row ? rowKey(row) : String(index);
};

/** The command takes what is left unless it was given a width. */
function columnStyle(column: ProcessColumn, width: number | undefined): { width?: number } {
  if (width !== undefined) return { width };
  return column.id === 'command' ? {} : { width: column.widthPx };
}

function Row({ process, columns, context, isOpen, span, onToggle }: { readonly process: GpuProcess; readonly columns: readonly ProcessColumn[]; readonly context: CellContext; readonly isOpen: boolean; readonly span: number; onToggle(): void }): ReactNode {
  const name = `${process.command ?? 'process'} (${process.pid})`;
  return (
    <>
      <tr>
        <td className="opener">
          <button type="button" className="btn bare icon s" aria-expanded={isOpen} aria-label={`History of ${name}`} title="Memory and SM use while it was watched" onClick={onToggle}>
            <Icon name="down" small className={isOpen ? '' : 'closed'} />
          </button>
        </td>
        {columns.map((c) => (
          <td key={c.id} className={c.numeric ? 'num' : undefined}>
            {c.cell(process, context)}
          </td>
        ))}
        <td className="num">
          <TerminateButton process={process} devices={context.devices} />
        </td>
      </tr>
      {isOpen && (
        <tr className="more">
          <td colSpan={span}>
            <ProcessHistory process={process} devices={context.devices} atMs={context.nowMs} />
          </td>
        </tr>
      )}
    </>
  );
}

function Head({ column, width, sorting, onSort, onWidth }: { readonly column: ProcessColumn; readonly width: number | undefined; readonly sorting: Sorting; onSort(sorting: Sorting): void; onWidth(px: number): void }): ReactNode {
  const cell = useRef<HTMLTableCellElement>(null);
  const sorted = sorting.id === column.id;
  const grip = useMemo(() => resizer(() => cell.current?.offsetWidth ?? column.widthPx, onWidth), [column.widthPx, onWidth]);
  return (
    <th ref={cell} className={column.numeric ? 'num' : undefined} aria-sort={sorted ? (sorting.descending ? 'descending' : 'ascending') : undefined}>
      <button type="button" className="sort" onClick={() => onSort({ id: column.id, descending: sorted ? !sorting.descending : column.numeric })}>
        {column.title}
      </button>
      <span className="grip" role="separator" aria-orientation="vertical" aria-label={`Width of ${column.title}`} aria-valuenow={width ?? column.widthPx} aria-valuemin={LEAST_PX} aria-valuemax={MOST_PX} tabIndex={0} {...grip} />
    </th>
  );
}

const clampWidth = (px: number): number => Math.min(MOST_PX, Math.max(LEAST_PX, Math.round(px)));

/** A grip that is dragged, or moved with the arrow keys. */
function resizer(readWidth: () => number, onWidth: (px: number) => void): { onPointerDown(e: PointerEvent<HTMLElement>): void; onKeyDown(e: KeyboardEvent<HTMLElement>): void } {
  return {
    onPointerDown(event) {
      const startX = event.clientX;
      const startWidth = readWidth();
      const target: HTMLElement = event.currentTarget;
      target.setPointerCapture(event.pointerId);
      const stop = new AbortController();
      target.addEventListener('pointermove', (e) => onWidth(clampWidth(startWidth + e.clientX - startX)), { signal: stop.signal });
      target.addEventListener('pointerup', () => stop.abort(), { signal: stop.signal });
      target.addEventListener('pointercancel', () => stop.abort(), { signal: stop.signal });
      event.preventDefault();
    },
    onKeyDown(event) {
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
      event.preventDefault();
      onWidth(clampWidth(readWidth() + (event.key === 'ArrowRight' ? 16 : -16)));
    },
  };
}
