import type { ReactNode } from 'react';
import { z } from 'zod';
import type { Problem } from '../../../contract/problem.ts';
import { measureWish } from '../../../contract/optimize.ts';
import { useApp } from '../../app/context.tsx';
import { followPlace } from '../../app/follow-place.ts';
import { useRemedies, type Remedies as Offered } from '../../app/use-remedies.ts';
import { Button } from '../../ui/button.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';

const byId = z.object({ id: z.string() });

/** Operations that a Problem about measuring may offer; anything else that it names is not run. */
const operations: Offered = {
  'optimize.measure': (client, input) => client.optimize.measure(measureWish.parse(input)),
  'environments.prove': (client, input) => client.environments.prove({ id: byId.parse(input).id, gpus: null }),
  'environments.scan': (client) => client.environments.scan({}),
  'jobs.cancel': (client, input) => client.jobs.cancel({ id: byId.parse(input).id }),
};

export interface TroubleProps {
  readonly problem: Problem;
  readonly onRetry?: () => void;
  readonly retryLabel?: string;
  readonly onDismiss?: () => void;
}

/** Remedies of a Problem as buttons; nothing where there is none. */
export function Remedies({ problem, onRetry, retryLabel = 'Try again' }: TroubleProps): ReactNode {
  const { intents } = useApp();
  const { busy, remedyOf } = useRemedies(operations);
  const buttons = problem.actions.flatMap((a) => {
    const remedy = remedyOf(a);
    if (remedy !== null) return [<Button key={a.label} small disabled={busy} onClick={() => void remedy()}>{a.label}</Button>];
    if (a.kind === 'open') return [<Button key={a.label} small onClick={() => followPlace(intents, a.place)}>{a.label}</Button>];
    return [];
  });
  if (onRetry !== undefined && problem.retry !== 'no') buttons.push(<Button key="retry" small onClick={onRetry}>{retryLabel}</Button>);
  return buttons.length === 0 ? null : <div className="remedies">{buttons}</div>;
}

/** A Problem with its remedies as buttons. */
export function TroubleNote({ onDismiss, ...rest }: TroubleProps): ReactNode {
  return (
    <div className="trouble">
      <ProblemNote problem={rest.problem} {...(onDismiss === undefined ? {} : { onDismiss })} />
      <Remedies {...rest} />
    </div>
  );
}
