import { useState } from 'react';

/**
 * The value, as the same object for as long as it says the same: charts, which are the most of the page's work, are then
 * not drawn again because a list around them was read anew. For small plain data: it is compared as JSON.
 */
export function useUnchanged<T>(value: T): T {
  const [kept, keep] = useState(value);
  if (kept === value || JSON.stringify(kept) === JSON.stringify(value)) return kept;
  keep(value);
  return value;
}
