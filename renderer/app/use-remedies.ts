import { useState } from 'react';
import type { ProblemAction } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { useApp } from './context.tsx';

/** Operations that a Problem may offer somewhere; anything else that it names is not run. */
export type Remedies = Readonly<Record<string, (client: Client, input: unknown) => Promise<unknown>>>;

/** Carries out what a Problem's buttons offer. `remedyOf`: null where the action is no call, or of something else. */
export function useRemedies(remedies: Remedies, onDone?: () => void): { readonly busy: boolean; remedyOf(action: ProblemAction): (() => Promise<void>) | null } {
  const { client, ui } = useApp();
  const [busy, setBusy] = useState(false);
  return {
    busy,
    remedyOf(action) {
      const remedy = action.kind === 'call' ? remedies[action.operation] : undefined;
      if (action.kind !== 'call' || remedy === undefined) return null;
      return async () => {
        setBusy(true);
        try {
          await remedy(client, action.input);
          onDone?.();
        } catch (error) {
          ui.getState().complain(problemFrom(error));
        } finally {
          setBusy(false);
        }
      };
    },
  };
}
