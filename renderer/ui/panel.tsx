import type { ReactNode } from 'react';

export interface PanelProps {
  readonly title: string;
  readonly id?: string;
  readonly sub?: ReactNode;
  /** At the right of the header. */
  readonly side?: ReactNode;
  readonly className?: string;
  readonly children: ReactNode;
}

export function Panel({ title, id, sub, side, className = '', children }: PanelProps): ReactNode {
  return (
    <section className={`panel${className ? ` ${className}` : ''}`} id={id} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {sub !== undefined && <span className="sub">{sub}</span>}
        <span className="sp" />
        {side}
      </header>
      {children}
    </section>
  );
}
