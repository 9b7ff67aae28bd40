import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { ExportFormat } from '../../stores/benchmarks-store.ts';

export type ExportChoice = Exclude<ExportFormat, 'svg'> | 'card-svg' | 'card-png' | 'chart-png';

const choices: readonly { readonly id: ExportChoice; readonly text: string }[] = [
  { id: 'jsonl', text: 'JSON lines, all samples' },
  { id: 'markdown', text: 'Markdown' },
  { id: 'csv', text: 'CSV' },
  { id: 'card-svg', text: 'Card to share, SVG' },
  { id: 'card-png', text: 'Card to share, PNG' },
  { id: 'chart-png', text: 'Roofline as it is shown, PNG' },
];

/** What a run can be saved as. Arrow keys move, Escape closes and gives the focus back. */
export function ExportMenu({ disabled, onChoose }: { readonly disabled: boolean; onChoose(choice: ExportChoice): void }): ReactNode {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus();
    const onDown = (event: PointerEvent): void => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', onDown);
    return () => document.removeEventListener('pointerdown', onDown);
  }, [open]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!open) return;
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.stopPropagation();
      close();
      return;
    }
    const items = [...(box.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
    const at = items.findIndex((i) => i === document.activeElement);
    const next = { ArrowDown: (at + 1) % items.length, ArrowUp: (at + items.length - 1) % items.length, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items[next]?.focus();
  };
  return (
    <span ref={box} className="bmenu" onKeyDown={onKeyDown}>
      <button ref={button} type="button" className="btn" disabled={disabled} aria-haspopup="menu" aria-expanded={open} onClick={() => setOpen(!open)}>Export</button>
      {open && (
        <div role="menu" aria-label="Export this run">
          {choices.map((c) => (
            <button key={c.id} type="button" role="menuitem" tabIndex={-1} onClick={() => { close(); onChoose(c.id); }}>{c.text}</button>
          ))}
        </div>
      )}
    </span>
  );
}
