/** Upper ends of the value axes: round, a little above what can come, and still while they can be. */

const upTo = (value: number, step: number): number => Math.ceil(value / step - 1e-9) * step;

/** Above a power limit, so that the limit line stands inside. */
export function powerTop(limitWatts: number | null, highestWatts = 0): number {
  const top = Math.max((limitWatts ?? 0) * 1.04, highestWatts);
  if (top <= 0) return 100;
  return upTo(top, top <= 60 ? 10 : top <= 200 ? 25 : 100);
}

export function clockTop(maxMhz: number | null, highestMhz = 0): number {
  const top = Math.max(maxMhz ?? 0, highestMhz);
  return top <= 0 ? 1000 : upTo(top, top > 1000 ? 200 : 100);
}

const steps = [1, 2, 3, 4, 6, 8, 10];

/** The round number at or above a rate: 1, 2, 3, 4, 6, 8 times a power of ten; at least `least`. */
export function rateTop(highest: number, least: number): number {
  if (!(highest > least)) return least;
  const decade = 10 ** Math.floor(Math.log10(highest));
  return (steps.find((s) => s * decade >= highest * (1 - 1e-9)) ?? 10) * decade;
}

/** Keeps the end that stands unless the line leaves it or would fit twice: an axis that jumps cannot be read. */
export function steadyTop(standing: number, highest: number, least: number): number {
  const wanted = rateTop(highest, least);
  return wanted > standing || wanted < standing / 2 ? wanted : standing;
}
