/**
 * Keeps this thread awake while anything decodes (a prompt gains nothing by it): an idle core of a virtual machine wakes slowly, and two round trips
 * to the thread pool a token cost 15 % of the speed of a GPU (measured; it hurts where cores are few).
 */
export function createSpin(enabled: boolean): { hold(): () => void } {
  let holders = 0;
  const turn = (): void => {
    if (holders > 0) setImmediate(turn);
  };
  return {
    hold() {
      if (!enabled) return () => undefined;
      holders += 1;
      if (holders === 1) setImmediate(turn);
      let held = true;
      return () => {
        if (held) holders -= 1;
        held = false;
      };
    },
  };
}
