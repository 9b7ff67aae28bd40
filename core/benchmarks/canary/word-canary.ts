import type { CanaryRow } from './decide-canary.ts';
import { LEAST_HISTORY } from './decide-canary.ts';

export interface CanaryWords {
  readonly state: 'learning' | 'calm' | 'alarm' | 'failed';
  readonly sentence: string;
}

/** What is said of a canary as a whole. `runs`: earlier ones that can be compared with. */
export function wordCanary(rows: readonly CanaryRow[], runs: number): CanaryWords {
  const alarms = rows.filter((one) => one.alarm);
  if (alarms.length > 0) return { state: 'alarm', sentence: `Slower than its own history: ${alarms.map((one) => `${one.title} by ${percentSlower(one)} %`).join(', ')}.` };
  if (rows.every((one) => one.b === null)) return { state: 'failed', sentence: 'Nothing could be measured.' };
  const judged = rows.filter((one) => one.resolves !== null);
  if (judged.length === 0) {
    const missing = Math.max(1, LEAST_HISTORY - runs);
    return { state: 'learning', sentence: `It learns what is usual here: ${missing} more run${missing === 1 ? '' : 's'} until it can judge.` };
  }
  const worst = judged.reduce((most, one) => Math.max(most, one.resolves ?? 0), 0);
  return { state: 'calm', sentence: `As fast as before. A slowdown of ${(worst * 100).toFixed(worst < 0.1 ? 1 : 0)} % or more would have been noticed in ${judged.length === rows.length ? 'every case' : `${judged.length} of ${rows.length} cases`}.` };
}

export const percentSlower = (row: Pick<CanaryRow, 'ratio'>): string => ((1 - (row.ratio ?? 1)) * 100).toFixed(1);
