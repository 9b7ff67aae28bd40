import type { ReactNode } from 'react';
import type { Route } from '../../../contract/upgrades.ts';
import { CopyLine } from '../../ui/copy-line.tsx';

export interface RouteTabsProps {
  readonly routes: readonly Route[];
  /** The one that is planned; null while it is not known. */
  readonly chosen: string | null;
  readonly busy: boolean;
  onChoose(id: string): void;
}

/** The routes, the recommended first; what Warpdeck cannot do itself shows its commands. */
export function RouteTabs({ routes, chosen, busy, onChoose }: RouteTabsProps): ReactNode {
  const automatic = routes.filter((r) => r.automatic).sort((a, b) => Number(b.recommended) - Number(a.recommended));
  const manual = routes.filter((r) => !r.automatic);
  if (routes.length === 0) return null;
  return (
    <>
      {automatic.length > 0 && (
        <div className="routes" role="group" aria-label="Routes" aria-busy={busy}>
          {automatic.map((r) => (
            <button key={r.id} type="button" aria-pressed={r.id === chosen} onClick={() => onChoose(r.id)}>
              <span className="rt">{r.title}</span>
              <span className="sub">{r.why}</span>
              {r.recommended && <span className="tag rec">recommended</span>}
            </button>
          ))}
        </div>
      )}
      {manual.length > 0 && (
        <details className="manual">
          <summary>{manual.length === 1 ? 'One more way, by hand' : `${String(manual.length)} more ways, by hand`}</summary>
          {manual.map((r) => (
            <section key={r.id}>
              <h3>{r.title}{r.recommended && <span className="tag rec">recommended</span>}</h3>
              <p className="note">{r.why}</p>
              {r.commands.map((c) => <CopyLine key={c} command={c} />)}
            </section>
          ))}
        </details>
      )}
    </>
  );
}
