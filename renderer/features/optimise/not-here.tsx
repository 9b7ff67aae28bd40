import type { ReactNode } from 'react';
import type { SwitchRefusal, ToggleState } from '../../../contract/optimize.ts';
import { formatCount } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';

/** What has no card: switches that do not exist here, and advice that is no switch; each with its reason and what is true. */
export function NotHere({ absent, refusals }: { readonly absent: readonly ToggleState[]; readonly refusals: readonly SwitchRefusal[] }): ReactNode {
  return (
    <>
      {absent.length > 0 && (
        <details className="unread">
          <summary>{formatCount(absent.length, 'switch', 'switches')} that cannot be used here</summary>
          <dl className="absent">
            {absent.map(({ toggle, why }) => (
              <div key={toggle.id}>
                <dt>{toggle.title}</dt>
                <dd>{plainText(why ?? 'It does not exist here.')}</dd>
                {toggle.claim !== null && <dd className="said"><span className="k">People say</span> {toggle.claim.said} <span className="k">In truth</span> <span title={toggle.claim.source}>{toggle.claim.truth}</span></dd>}
              </div>
            ))}
          </dl>
        </details>
      )}
      {refusals.length > 0 && (
        <details className="unread">
          <summary>{formatCount(refusals.length, 'piece', 'pieces')} of advice that {refusals.length === 1 ? 'is' : 'are'} no switch here</summary>
          <dl className="absent">
            {refusals.map((r) => <div key={r.id}><dt>{plainText(r.asked)}</dt><dd>{plainText(r.reason)}</dd>{r.instead !== null && <dd className="said"><span className="k">Instead</span> {plainText(r.instead)}</dd>}</div>)}
          </dl>
        </details>
      )}
    </>
  );
}
