import { useState, type ReactNode, type SyntheticEvent } from 'react';

const two = (n: number): string => String(n).padStart(2, '0');

/** A time as the browser's field wants it: local, without seconds. */
function toLocalField(atMs: number): string {
  const d = new Date(atMs);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`;
}

/** Any two times of the history. */
export function PeriodForm({ initialToMs, spanMs, onShow }: { readonly initialToMs: number; readonly spanMs: number; onShow(fromMs: number, toMs: number): void }): ReactNode {
  const [from, setFrom] = useState(toLocalField(initialToMs - Math.max(60_000, spanMs)));
  const [to, setTo] = useState(toLocalField(initialToMs));
  const fromMs = new Date(from).getTime();
  const toMs = new Date(to).getTime();
  const valid = Number.isFinite(fromMs) && Number.isFinite(toMs) && fromMs < toMs;
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (valid) onShow(fromMs, toMs);
  };
  return (
    <form onSubmit={submit}>
      <label className="line">
        <span className="k">From</span>
        <input type="datetime-local" value={from} onChange={(e) => setFrom(e.target.value)} />
      </label>
      <label className="line">
        <span className="k">To</span>
        <input type="datetime-local" value={to} onChange={(e) => setTo(e.target.value)} />
      </label>
      <div className="line">
        <span className="sub">{valid ? '' : 'The first time must lie before the second.'}</span>
        <button type="submit" className="btn primary" disabled={!valid}>
          Show
        </button>
      </div>
    </form>
  );
}
