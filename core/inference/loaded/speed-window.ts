/** Tokens a second over the last moments, and the mean of the last answers. */
export interface SpeedWindow {
  token(tokens: number): void;
  /** null: nothing came lately. */
  now(): number | null;
  answered(tokensPerSecond: number): void;
  average(): number | null;
}

const WINDOW_MS = 2000;
const ANSWERS = 10;

export function createSpeedWindow(clock: () => number): SpeedWindow {
  let marks: { readonly atMs: number; readonly tokens: number }[] = [];
  const answers: number[] = [];
  return {
    token(tokens) {
      const atMs = clock();
      marks.push({ atMs, tokens });
      if (marks.length > 512) marks = marks.filter((mark) => atMs - mark.atMs <= WINDOW_MS);
    },
    now() {
      const atMs = clock();
      marks = marks.filter((mark) => atMs - mark.atMs <= WINDOW_MS);
      const first = marks[0];
      const last = marks.at(-1);
      // The first mark only says since when: its tokens were made before it.
      if (first === undefined || last === undefined || last.atMs - first.atMs < 50) return null;
      return ((marks.reduce((sum, mark) => sum + mark.tokens, 0) - first.tokens) * 1000) / (last.atMs - first.atMs);
    },
    answered(tokensPerSecond) {
      answers.push(tokensPerSecond);
      if (answers.length > ANSWERS) answers.shift();
    },
    average: () => (answers.length === 0 ? null : answers.reduce((sum, speed) => sum + speed, 0) / answers.length),
  };
}
