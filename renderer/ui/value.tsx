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

/** A value if there is one, else why there is none. */
export function ValueOr({ value, format, reason }: { readonly value: number | null | undefined; readonly format: (value: number) => Quantity; readonly reason: string }): ReactNode {
  return value === null || value === undefined ? <NotReported reason={reason} /> : <Value of={format(value)} />;
}
