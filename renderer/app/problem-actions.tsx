import type { ReactNode } from 'react';
import { loadWish, engineSettings } from '../../contract/inference.ts';
import { downloadWish } from '../../contract/models.ts';
import type { Problem } from '../../contract/problem.ts';
import { Button } from '../ui/button.tsx';
import { ProblemNote } from '../ui/problem-note.tsx';
import { useRemedies, type Remedies } from './use-remedies.ts';

/** Operations that a Problem about models may offer; anything else that it names is not run. */
const operations: Remedies = {
  'inference.load': (client, input) => client.inference.load(loadWish.parse(input)),
  'inference.unload': (client, input) => client.inference.unload({ id: textOf(input, 'id') }),
  'inference.setProfile': (client, input) => client.inference.setProfile({ modelId: textOf(input, 'modelId'), settings: engineSettings.partial().parse(fieldOf(input, 'settings')) }),
  'inference.fetchRuntime': (client) => client.inference.fetchRuntime({}),
  'inference.build': (client) => client.inference.build({}),
  'inference.tryBackends': (client) => client.inference.tryBackends({}),
  'downloads.start': (client, input) => client.downloads.start(downloadWish.parse(input)),
  'models.search': (client) => client.models.search({}),
  'models.removeFolder': (client, input) => client.models.removeFolder({ path: textOf(input, 'path') }),
  'downloads.resume': (client, input) => client.downloads.resume({ id: textOf(input, 'id') }),
};

function fieldOf(input: unknown, field: string): unknown {
  return typeof input === 'object' && input !== null && field in input ? (input as Record<string, unknown>)[field] : undefined;
}

function textOf(input: unknown, field: string): string {
  const value = fieldOf(input, field);
  if (typeof value !== 'string') throw new TypeError(`${field} is missing`);
  return value;
}

export interface ProblemActionsProps {
  readonly problem: Problem;
  /** Does again what failed; offered where that can help. */
  readonly onRetry?: () => void;
  readonly retryLabel?: string;
  readonly onDismiss?: () => void;
  /** One of the remedies has been carried out. */
  readonly onDone?: () => void;
  /** Only the buttons: the words stand elsewhere. */
  readonly bare?: boolean;
}

/** A Problem with its remedies as buttons. */
export function ProblemActions({ problem, onRetry, retryLabel = 'Try again', onDismiss, onDone, bare = false }: ProblemActionsProps): ReactNode {
  const { busy, remedyOf } = useRemedies(operations, onDone);
  const buttons = problem.actions.flatMap((a) => {
    const remedy = remedyOf(a);
    if (remedy !== null) return [<Button key={a.label} small={!bare} {...(bare ? { look: 'primary' as const } : {})} disabled={busy} onClick={() => void remedy()}>{a.label}</Button>];
    if (a.kind === 'open') return [<Button key={a.label} small={!bare} onClick={() => { location.hash = `#/${a.place}`; }}>{a.label}</Button>];
    return [];
  });
  if (onRetry !== undefined && problem.retry !== 'no') buttons.push(<Button key="retry" small={!bare} onClick={onRetry}>{retryLabel}</Button>);
  if (bare) return buttons.length === 0 ? null : <div className="remedies">{buttons}</div>;
  return (
    <div className="ptrouble">
      <ProblemNote problem={problem} {...(onDismiss === undefined ? {} : { onDismiss })} />
      {buttons.length > 0 && <div className="remedies">{buttons}</div>}
    </div>
  );
}
