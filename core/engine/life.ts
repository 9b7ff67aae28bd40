/**
 * How long an engine lives: started by `serve` until stopped; else it ends `lingerMs` after the last face has gone
 * and no job is running. Nothing is orphaned by a kill -9 of a window, and a running job survives one.
 */
export interface Life {
  /** A face is here; call the answer when it has gone. */
  enter(): () => void;
  /** Something that may decide (a job ended) has changed. */
  reconsider(): void;
  setStays(stays: boolean): void;
  readonly stays: () => boolean;
  readonly faces: () => number;
  close(): void;
}

export interface LifeOptions {
  readonly stays: boolean;
  readonly lingerMs: number;
  /** A starter that never attaches must not leave an engine behind: the first face has this long. */
  readonly firstFaceMs: number;
  readonly jobsRunning: () => number;
  readonly onEnd: () => void;
}

export function createLife(options: LifeOptions): Life {
  let faces = 0;
  let stays = options.stays;
  let timer: NodeJS.Timeout | null = null;
  let ended = false;
  const clear = (): void => {
    if (timer) clearTimeout(timer);
    timer = null;
  };
  const consider = (waitMs: number): void => {
    clear();
    if (ended || stays || faces > 0 || options.jobsRunning() > 0) return;
    timer = setTimeout(() => {
      timer = null;
      if (ended || stays || faces > 0 || options.jobsRunning() > 0) return;
      ended = true;
      options.onEnd();
    }, waitMs);
  };
  consider(options.firstFaceMs);
  return {
    enter() {
      faces += 1;
      clear();
      let here = true;
      return () => {
        if (!here) return;
        here = false;
        faces -= 1;
        consider(options.lingerMs);
      };
    },
    reconsider: () => {
      if (!timer) consider(options.lingerMs);
    },
    setStays(next) {
      stays = next;
      if (stays) clear();
      else consider(options.lingerMs);
    },
    stays: () => stays,
    faces: () => faces,
    close() {
      ended = true;
      clear();
    },
  };
}
