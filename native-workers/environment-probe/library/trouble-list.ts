/** So many are told in words; a hostile file has one for each of its bytes. */
const MOST_TOLD = 20;

export interface TroubleList {
  note(text: string): void;
  list(): string[];
}

/** Collects what did not fit, without repetitions and with an end. */
export function createTroubleList(): TroubleList {
  const told = new Set<string>();
  let untold = 0;
  return {
    note(text) {
      if (told.has(text)) return;
      if (told.size < MOST_TOLD) told.add(text);
      else untold++;
    },
    list: () => [...told, ...(untold > 0 ? [`${untold} more troubles of this kind are not listed.`] : [])],
  };
}
