/** One answer that is to be made. */
export interface Turn {
  readonly prompt: number;
  readonly repeat: number;
  readonly contender: number;
}

/**
 * Rounds in which each contender comes equally often at each place, mirrored one after the other: whatever drifts
 * evenly (a card that warms up) touches all of them alike. For two: A B · B A · B A · A B.
 */
const rounds: Readonly<Record<number, readonly (readonly number[])[]>> = {
  1: [[0]],
  2: [[0, 1], [1, 0], [1, 0], [0, 1]],
  3: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]],
};

/** All answers in the order in which they are made: every prompt once, then every prompt again. One to three contenders. Pure. */
export function decideOrder(contenders: number, prompts: number, repeats: number): Turn[] {
  const turns: Turn[] = [];
  const cycle = rounds[contenders] ?? [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    // Shifted by the repeat, so that one prompt, too, is asked in every order.
    for (let prompt = 0; prompt < prompts; prompt++) for (const contender of cycle[(prompt + repeat) % cycle.length] ?? []) turns.push({ prompt, repeat, contender });
  }
  return turns;
}
