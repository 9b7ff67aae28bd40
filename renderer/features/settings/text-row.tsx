import { useState, type ReactNode } from 'react';
import { Row } from './row.tsx';

export interface TextRowProps {
  readonly name: string;
  readonly sub: string;
  readonly value: string | null;
  readonly placeholder: string;
  onChange(value: string | null): void;
}

/** A text that counts on Enter or on leaving the field; empty means the default. */
export function TextRow({ name, sub, value, placeholder, onChange }: TextRowProps): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);
  const keep = (): void => {
    if (draft === null) return;
    const next = draft.trim() === '' ? null : draft.trim();
    if (next !== value) onChange(next);
    setDraft(null);
  };
  return (
    <Row name={name} sub={sub}>
      <form className="c" onSubmit={(e) => { e.preventDefault(); keep(); }}>
        <span className="inp l">
          <input aria-label={name} spellCheck={false} autoComplete="off" placeholder={placeholder} value={draft ?? value ?? ''} onChange={(e) => setDraft(e.target.value)} onBlur={keep} onKeyDown={(e) => e.key === 'Escape' && setDraft(null)} />
        </span>
      </form>
    </Row>
  );
}
