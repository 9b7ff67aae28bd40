import type { ReactNode } from 'react';
import { z } from 'zod';
import type { Problem } from '../../../contract/problem.ts';
import { hrefOf } from '../../app/routes.ts';
import { useRemedies, type Remedies } from '../../app/use-remedies.ts';
import { Button } from '../../ui/button.tsx';

/** Operations that a Problem of a benchmark may offer; anything else that it names is not run. */
const operations: Remedies = {
  'benchmarks.runCanary': (client) => client.benchmarks.runCanary({}),
  'environments.scan': (client) => client.environments.scan({}),
};

const rollback = z.object({ id: z.string().max(128).nullable().default(null), environmentId: z.string().min(1).max(128) });

/** Where an environment is put back: the wizard shows the plan and asks. Null: this action is no such thing. Pure. */
export function decideUndoHref(operation: string, input: unknown): string | null {
  if (operation !== 'upgrades.planRollback') return null;
  const wish = rollback.safeParse(input);
  return wish.success ? `${hrefOf('environments', wish.data.environmentId)}?do=undo${wish.data.id === null ? '' : `&upgrade=${encodeURIComponent(wish.data.id)}`}` : null;
}

/** The remedies of a Problem as buttons: places to go to, and what may be done from here. */
export function ProblemButtons({ problem }: { readonly problem: Problem }): ReactNode {
  const { busy, remedyOf } = useRemedies(operations);
  const buttons = problem.actions.flatMap((a) => {
    const remedy = remedyOf(a);
    if (a.kind === 'open') return [<a key={a.label} className="btn s" href={`#/${a.place}`}>{a.label}</a>];
    const undo = a.kind === 'call' ? decideUndoHref(a.operation, a.input) : null;
    if (undo !== null) return [<a key={a.label} className="btn s" href={undo}>{a.label}</a>];
    if (remedy !== null) return [<Button key={a.label} small disabled={busy} onClick={() => void remedy()}>{a.label}</Button>];
    return [];
  });
  return buttons.length === 0 ? null : <div className="bremedies">{buttons}</div>;
}
