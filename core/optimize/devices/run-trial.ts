import type { Supervisor } from '../../supervisor/supervisor.ts';
import { problemOf } from '../../../contract/problem.ts';
import { soundsRefused } from './decide-refusal.ts';
import { KEEP_WORD, trialWords } from './make-trial-command.ts';

/** `unknown`: its process ended without a word. */
export type TrialEnd = { readonly how: 'kept' | 'reverted' | 'refused' | 'stuck' | 'unknown'; readonly text: string; readonly exitCode: number | null; /** It had been set before. */ readonly wasApplied: boolean };

export interface Trial {
  /** True: it is set. False: it was refused, or consent was not given; `ended` says why. */
  readonly applied: Promise<boolean>;
  keep(): void;
  putBack(): void;
  /** Ends its guard: the process puts back by itself. */
  abandon(): Promise<void>;
  readonly ended: Promise<TrialEnd>;
}

/** Somebody may have to find a password first. */
const CONSENT_MS = 180_000;
const MAX_TEXT = 8192;

/** Runs the process that sets, waits and puts back. Never rejects. */
export function runTrial(supervisor: Pick<Supervisor, 'runProgram'>, command: readonly string[], log: (text: string) => void): Trial {
  const [program = '', ...args] = command;
  let text = '';
  let line = '';
  let how: TrialEnd['how'] = 'unknown';
  let wasApplied = false;
  let settle = (_applied: boolean): void => undefined;
  const applied = new Promise<boolean>((resolve) => { settle = resolve; });

  const accept = (one: string): void => {
    if (one === trialWords.applied) {
      clearTimeout(consent);
      // It ended with 0 and yet says that nothing was set: the way back does no harm.
      if (!soundsRefused(text)) {
        wasApplied = true;
        return settle(true);
      }
      how = 'refused';
      running.write('back\n');
    } else if (one === trialWords.kept) how = 'kept';
    else if (one === trialWords.refused) how = 'refused';
    else if (one === trialWords.reverted) { if (how !== 'refused') how = 'reverted'; }
    else if (one === trialWords.stuck) how = 'stuck';
    else if (one.trim() !== '') {
      text = `${text}${one}\n`.slice(-MAX_TEXT);
      log(one);
    }
  };
  const running = supervisor.runProgram({
    program, args, input: true,
    onStdout(chunk) {
      const lines = `${line}${chunk}`.split(/\r?\n/);
      line = (lines.pop() ?? '').slice(-MAX_TEXT);
      for (const one of lines) accept(one);
    },
  });
  const consent = setTimeout(() => void running.stop(), CONSENT_MS);
  const ended = running.done.then(
    ({ exitCode, stderr }): TrialEnd => ({ how, wasApplied, text: `${text}${line}${stderr}`, exitCode }),
    (error: unknown): TrialEnd => ({ how: how === 'unknown' && !wasApplied ? 'refused' : how, wasApplied, text: problemOf(error)?.cause ?? String(error), exitCode: null }),
  ).finally(() => {
    clearTimeout(consent);
    settle(false);
  });
  return {
    applied, ended,
    keep() { running.write(`${KEEP_WORD}\n`); },
    putBack() { running.write('back\n'); },
    abandon: () => running.stop(),
  };
}
