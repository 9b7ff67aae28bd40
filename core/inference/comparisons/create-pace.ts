/** Since the last answer ended, ms. */
const SAVE_EVERY_MS = 5000;

export interface Pace {
  /** `ended`: an answer is complete, which is worth storing. */
  changed(ended: boolean): void;
  /** Nothing is told or begun to be stored after; what was being stored is. */
  stop(): Promise<void>;
}

/** Tells at most so often, and stores what has ended less often: a comparison is written whole. */
export function createPace(tell: () => void, save: () => Promise<void>, tellEveryMs: number): Pace {
  let telling: NodeJS.Timeout | null = null, saving: NodeJS.Timeout | null = null;
  let toldAt = -Infinity;
  let saved: Promise<void> = Promise.resolve();
  const tellNow = (): void => {
    telling = null;
    toldAt = performance.now();
    tell();
  };
  return {
    changed(ended) {
      telling ??= setTimeout(tellNow, Math.max(0, toldAt + tellEveryMs - performance.now()));
      if (ended) saving ??= setTimeout(() => {
        saving = null;
        saved = save();
      }, SAVE_EVERY_MS);
    },
    async stop() {
      if (telling !== null) clearTimeout(telling);
      if (saving !== null) clearTimeout(saving);
      await saved;
    },
  };
}
