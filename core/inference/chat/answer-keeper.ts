import { setTimeout as pause } from 'node:timers/promises';
import { problemOf } from '../../../contract/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import type { LiveAnswer } from './live-answer.ts';

export interface AnswerKeeperOptions {
  readonly save: (answer: LiveAnswer) => Promise<unknown>;
  /** Time between two writes of an answer that is being written, and before a failed one is tried again, ms. */
  readonly flushMs: number;
  /** The engine ends. */
  readonly closing: AbortSignal;
  readonly log: Logger;
}

/** Stores answers: while they are written, so that little is lost with the engine, and at their end, which must not be lost. */
export interface AnswerKeeper<T extends LiveAnswer> {
  /** Writes what there is, at most once in `flushMs`, until the returned function is called; what fails is tried again with the next. */
  follow(answer: T): () => void;
  /** The end of an answer must be stored: tried until it is, or the engine ends. True: it is stored. Never rejects. */
  keep(answer: T): Promise<boolean>;
  /** Ended, and not stored yet. */
  unsaved(id: string): T | undefined;
  allUnsaved(): readonly T[];
}

/** A second of writing for so many characters: a very long answer is not written over and over. */
const CHARACTERS_PER_FLUSH = 262_144;
/** What could not be stored is tried again so often when the engine ends. */
const LAST_TRIES = 3;

export function createAnswerKeeper<T extends LiveAnswer>({ save, flushMs, closing, log }: AnswerKeeperOptions): AnswerKeeper<T> {
  const unsaved = new Map<string, T>();
  return {
    follow(answer) {
      let timer: NodeJS.Timeout | null = null;
      let failures = 0;
      let stored = -1;
      const plan = (): void => {
        if (answer.ended) return;
        const wait = flushMs * Math.max(1, Math.ceil(answer.content.length / CHARACTERS_PER_FLUSH)) * Math.min(2 ** failures, 32);
        timer = setTimeout(() => {
          const size = answer.content.length + answer.thinking.length;
          if (answer.ended || size === stored) return plan();
          save(answer).then(() => {
            stored = size;
            failures = 0;
          }, (error: unknown) => {
            if (failures++ === 0) log.warn('An answer cannot be stored while it is written; it is tried again', { detail: String(error) });
          }).finally(plan);
        }, wait);
        timer.unref();
      };
      plan();
      return () => {
        if (timer !== null) clearTimeout(timer);
      };
    },
    async keep(answer) {
      unsaved.set(answer.id, answer);
      let lastTries = 0;
      for (let tries = 0; ; tries++) {
        try {
          await save(answer);
          unsaved.delete(answer.id);
          if (tries > 0) log.info('An answer that could not be stored is stored now', { tries });
          return true;
        } catch (error) {
          const problem = problemOf(error);
          if (tries === 0) log.warn('An answer cannot be stored; it is kept in memory and tried again', { detail: problem?.cause ?? String(error) });
          if (closing.aborted && ++lastTries > LAST_TRIES) return false;
          answer.answer = { ...answer.answer, problem: answer.answer.problem ?? problem };
          await pauseUnless(closing, flushMs * Math.min(2 ** tries, 16));
          // What is stored is the answer, not the trouble of storing it.
          if (answer.answer.problem?.code === 'chat.storage') answer.answer = { ...answer.answer, problem: null };
        }
      }
    },
    unsaved: (id) => unsaved.get(id),
    allUnsaved: () => [...unsaved.values()],
  };
}

/** A closing chat waits shortly. */
async function pauseUnless(closing: AbortSignal, ms: number): Promise<void> {
  if (closing.aborted) return pause(200);
  await pause(ms, undefined, { signal: closing, ref: false }).catch(() => undefined);
}
