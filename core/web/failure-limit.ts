/** Slows guessing: after 20 refused tokens in a minute from one address its further tries are answered 429. */
const WINDOW_MS = 60_000;
const ALLOWED = 20;

export interface FailureLimit {
  isBlocked(address: string): boolean;
  fail(address: string): void;
}

export function createFailureLimit(now: () => number = () => performance.now()): FailureLimit {
  const failures = new Map<string, { since: number; count: number }>();
  const current = (address: string): { since: number; count: number } | undefined => {
    const entry = failures.get(address);
    if (entry && now() - entry.since > WINDOW_MS) {
      failures.delete(address);
      return undefined;
    }
    return entry;
  };
  return {
    isBlocked: (address) => (current(address)?.count ?? 0) >= ALLOWED,
    fail(address) {
      const entry = current(address);
      if (entry) entry.count += 1;
      else {
        if (failures.size > 1000) failures.clear();
        failures.set(address, { since: now(), count: 1 });
      }
    },
  };
}
