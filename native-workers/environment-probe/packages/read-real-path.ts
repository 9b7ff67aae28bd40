import { realpathSync } from 'node:fs';

/** Where a path leads when all links are followed; null when it leads nowhere, or to itself. */
export function readRealPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
