import type { ReactNode } from 'react';
import type { Problem } from '../../contract/problem.ts';
import { CopyLine } from './copy-line.tsx';
import { Icon } from './icons.tsx';

/** A Problem inside a page: what is, why, what to do, and its commands. */
export function ProblemNote({ problem, onDismiss }: { readonly problem: Problem; readonly onDismiss?: () => void }): ReactNode {
  const kind = problem.severity === 'info' ? 'info' : problem.severity;
  return (
    <div className={`pnote ${kind}`} role={problem.severity === 'problem' ? 'alert' : 'status'}>
      <Icon name={problem.severity === 'problem' ? 'bad' : problem.severity === 'attention' ? 'warn' : 'info'} />
      <div>
        <b>{problem.title}.</b> {problem.cause} {problem.remedy} <span className="q">{problem.code}</span>
        {problem.actions.map((a) => (a.kind === 'copy' ? <CopyLine key={a.command} command={a.command} /> : null))}
      </div>
      {onDismiss && (
        <button type="button" className="btn bare icon s" aria-label="Dismiss" title="Dismiss" onClick={onDismiss}>
          <Icon name="x" small />
        </button>
      )}
    </div>
  );
}
