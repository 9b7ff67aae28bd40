import type { ReactNode } from 'react';
import type { Quantity } from './format.ts';
import { Tip } from './tip.tsx';

/** A number and its unit, the unit lighter. */
export function Value({ of, estimated = false }: { readonly of: Quantity; readonly estimated?: boolean }): ReactNode {
  return (
    <>
      <span className={estimated ? 'est' : undefined}>{of.text}</span>
      <span className="u">{of.unit}</span>
    </>
  );
}

/** Not reported is never zero: an em dash that can be focused and tells why. */
export function NotReported({ reason }: { readonly reason: string }): ReactNode {
  return (
    <Tip text={reason}>
      {(props) => (
        <span className="nr" tabIndex={0} role="note" aria-label={`not reported: ${reason}`} {...props}>
          —
        </span>
      )}
    </Tip>
  );
}

