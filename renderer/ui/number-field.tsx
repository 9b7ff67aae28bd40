import { useId, useState, type ReactNode } from 'react';

export interface NumberFieldProps {
  readonly label: string;
  readonly value: number | null;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly disabled?: boolean;
  /** Shown while there is no value. */
  readonly placeholder?: string;
  /** May be left empty: `onChange(null)`. */
  readonly optional?: boolean;
  onChange(value: number | null): void;
}

/** What a typed text means: a number within limits, `null` for empty, `undefined` for nonsense. Pure. */
export function parseField(text: string, min: number, max: number): number | null | undefined {
  const trimmed = text.trim().replace(',', '.');
  if (trimmed === '') return null;
  const value = Number(trimmed);
  if (!Number.isFinite(value)) return undefined;
  return Math.min(max, Math.max(min, value));
}

/** A number with its unit. Counts on Enter or on leaving the field; Escape puts the old one back; arrows step. */
export function NumberField({ label, value, unit, min, max, step = 1, disabled = false, placeholder = '', optional = false, onChange }: NumberFieldProps): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);
  const unitId = useId();
  const shown = draft ?? (value === null ? '' : String(value));
  const commit = (text: string): void => {
    const next = parseField(text, min, max);
    setDraft(null);
    if (next === undefined || next === value || (next === null && !optional)) return;
    onChange(next);
  };
  return (
    <span className={`inp${disabled ? ' off' : ''}`}>
      <input
        inputMode="decimal"
        aria-label={label}
        aria-describedby={unitId}
        value={shown}
        placeholder={placeholder}
        disabled={disabled}
        onChange={(e) => setDraft(e.target.value)}
        onFocus={(e) => e.target.select()}
        onBlur={(e) => draft !== null && commit(e.target.value)}
        onKeyDown={(e) => {
          if (e.key === 'Enter') commit(e.currentTarget.value);
          else if (e.key === 'Escape' && draft !== null) {
            e.stopPropagation();
            setDraft(null);
          } else if (e.key === 'ArrowUp' || e.key === 'ArrowDown') {
            e.preventDefault();
            const from = parseField(e.currentTarget.value, min, max) ?? value ?? min;
            const next = Math.min(max, Math.max(min, from + (e.key === 'ArrowUp' ? step : -step)));
            setDraft(null);
            if (next !== value) onChange(next);
          }
        }}
      />
      <span className="u" id={unitId}>{unit}</span>
    </span>
  );
}
