import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MAX_BYTES = 1024 * 1024;

/** The desktop face's own log, `logs/desktop.log`: JSON lines, one older file. Failing to write never hurts. */
export function openShellLog(dataDir: string): (text: string) => void {
  const folder = join(dataDir, 'logs');
  const path = join(folder, 'desktop.log');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (statSync(path).size > MAX_BYTES) renameSync(path, `${path}.1`);
  } catch {
    // No folder or no file yet.
  }
  return (text) => {
    try {
      appendFileSync(path, `${JSON.stringify({ time: new Date().toISOString(), pid: process.pid, text: text.slice(0, 4000) })}\n`, { mode: 0o600 });
    } catch {
      // A full disk is told by the engine.
    }
  };
}
