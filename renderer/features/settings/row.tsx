import type { ReactNode } from 'react';

export interface RowProps {
  readonly name: string;
  /** The consequence, in figures where there are any. */
  readonly sub?: ReactNode;
  /** Depends on the row above. */
  readonly dependent?: boolean;
  readonly children: ReactNode;
}

/** One setting: name, consequence, control. */
export function Row({ name, sub, dependent = false, children }: RowProps): ReactNode {
  return (
    <li className={dependent ? 'dep' : undefined}>
      <div>
        {name}
        {sub !== undefined && <span className="sub">{sub}</span>}
      </div>
      <div className="c">{children}</div>
    </li>
  );
}
