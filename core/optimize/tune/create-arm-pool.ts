import { problemOf } from '../../../contract/problem.ts';
import { decideFailure } from './decide-failure.ts';
import type { SearchSettings, StartTuneArm, TuneArm, TuneAsk, TuneSample } from './parts.ts';

/** Candidates in memory: as many side by side as there is room for, so that pairs need no loading between. */
export interface ArmPool {
  /** @throws ProblemError of loading or measuring; on abort the signal's reason, at once */
  sample(key: number, settings: SearchSettings): Promise<TuneSample>;
  end(key: number): Promise<void>;
  endAll(): Promise<void>;
}

export function createArmPool(start: StartTuneArm, ask: TuneAsk, signal: AbortSignal): ArmPool {
  const arms = new Map<number, TuneArm>();
  /** Two had no room side by side. */
  let oneOnly = false;

  const end = async (key: number): Promise<void> => {
    const arm = arms.get(key);
    arms.delete(key);
    await arm?.end();
  };
  const endOthers = async (key: number): Promise<void> => {
    for (const other of [...arms.keys()]) if (other !== key) await end(other);
  };
  const open = async (key: number, settings: SearchSettings): Promise<TuneArm> => {
    if (oneOnly) await endOthers(key);
    const held = arms.get(key);
    if (held !== undefined) return held;
    const arm = await start(settings, ask, signal).catch(async (error: unknown) => {
      const crowded = arms.size > 0 && (decideFailure(error).state === 'no_memory' || problemOf(error)?.code === 'load.too_many');
      if (!crowded) throw error;
      oneOnly = true;
      await endOthers(key);
      return start(settings, ask, signal);
    });
    // It came after everybody had gone.
    if (signal.aborted) {
      await arm.end();
      signal.throwIfAborted();
    }
    arms.set(key, arm);
    return arm;
  };
  const untilAborted = <T>(work: Promise<T>): Promise<T> => {
    // What is left running is ended with its process.
    work.catch(() => undefined);
    return new Promise<T>((resolve, reject) => {
      const stop = (): void => { reject(signal.reason instanceof Error ? signal.reason : new Error('cancelled')); };
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop, { once: true });
      work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', stop); });
    });
  };

  return {
    async sample(key, settings) {
      try {
        return await untilAborted(open(key, settings).then((arm) => arm.sample()));
      } catch (error) {
        // A process that failed is not asked again.
        if (!signal.aborted) await end(key).catch(() => undefined);
        throw error;
      }
    },
    end,
    async endAll() {
      await Promise.all([...arms.keys()].map((key) => end(key).catch(() => undefined)));
    },
  };
}
