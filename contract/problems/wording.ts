import type { ProblemAction, Severity } from '../problem.ts';

/** Texts of one code. `{name}` is filled from the facts; a text names what is, why, and what to do. */
export interface Wording {
  readonly severity: Severity;
  readonly title: string;
  readonly cause: string;
  readonly remedy: string;
  readonly actions?: readonly ProblemAction[];
  readonly retry?: 'no' | 'now' | 'later';
}
export type Wordings = Readonly<Record<string, Wording>>;
