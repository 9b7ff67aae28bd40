import type { ReactNode } from 'react';

export interface SegmentedProps<T extends string | number> {
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly text: string; readonly title?: string }[];
  readonly value: T | null;
  readonly disabled?: boolean;
  onChange(value: T): void;
}

/** One of a few, all visible. */
export function Segmented<T extends string | number>({ label, options, value, disabled = false, onChange }: SegmentedProps<T>): ReactNode {
  return (
    <div className="seg" role="group" aria-label={label}>
      {options.map((o) => (
        <button key={o.value} type="button" aria-pressed={o.value === value} title={o.title} disabled={disabled} onClick={() => onChange(o.value)}>
          {o.text}
        </button>
      ))}
    </div>
  );
}
