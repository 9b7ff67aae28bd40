import type { ReactNode } from 'react';
import { Icon } from './icons.tsx';

export interface SelectProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly text: string }[];
  readonly disabled?: boolean;
  onChange(value: T): void;
}

/** The system's own select in our frame: it brings keyboard, screen reader and no style element. */
export function Select<T extends string>({ label, value, options, disabled = false, onChange }: SelectProps<T>): ReactNode {
  return (
    <span className="sel">
      <select aria-label={label} value={value} disabled={disabled} onChange={(e) => {
        const next = options.find((o) => o.value === e.target.value);
        if (next) onChange(next.value);
      }}>
        {options.map((o) => (
          <option key={o.value} value={o.value}>{o.text}</option>
        ))}
      </select>
      <Icon name="down" small />
    </span>
  );
}
