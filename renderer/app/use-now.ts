import { useEffect, useState } from 'react';
import { useCommitClock } from './context.tsx';

/** The time for text that shows an age: changes at most every `everyMs`, on the common beat. Unix ms. */
export function useNow(everyMs: number): number {
  const clock = useCommitClock();
  const [nowMs, setNowMs] = useState(() => Date.now());
  // Half a beat of slack: a timer that is a little early must not skip a whole period.
  useEffect(() => clock.onTick((tickMs) => setNowMs((before) => (tickMs - before >= everyMs - 250 ? tickMs : before))), [clock, everyMs]);
  return nowMs;
}
