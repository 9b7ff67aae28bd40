// A lock file with the holder's pid, for two starters of one tree. Node only, works on Node 20.11.
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A holder touches its lock this often; untouched for STALE_MS it is a dead holder's, even if its pid lives again. */
const BEAT_MS = 2000;
const STALE_MS = 20_000;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function tryTake(path, text) {
  try {
    const fd = openSync(path, 'wx', 0o600);
    writeSync(fd, text);
    closeSync(fd);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(path) {
  try {
    const text = readFileSync(path, 'utf8');
    return { text, pid: Number.parseInt(text, 10), ageMs: Date.now() - statSync(path).mtimeMs };
  } catch {
    return null;
  }
}

/** Dead by its pid, or silent for too long. An empty file is one that is just being written. */
export function isStale(holder, alive = isAlive) {
  if (Number.isNaN(holder.pid)) return holder.ageMs > STALE_MS;
  return !alive(holder.pid) || holder.ageMs > STALE_MS;
}

/**
 * Removes a stale lock: one of many does, holding a right named after what it read, and looks again under it, so that
 * nobody removes a successor's (as core/supervisor/exclusive-file.ts, in what an old Node can run).
 */
function clearStale(path, holder) {
  const right = `${path}.${createHash('sha256').update(holder.text).digest('hex').slice(0, 16)}.removal`;
  if (!tryTake(right, `${process.pid} ${Math.random().toString(36).slice(2)}\n`)) {
    const other = readHolder(right);
    if (other && isStale(other)) clearStale(right, other);
    return;
  }
  try {
    if (readHolder(path)?.text === holder.text) rmSync(path, { force: true });
  } finally {
    rmSync(right, { force: true });
  }
}

/**
 * Runs `work` while this process holds the lock. Waits for another holder, calling `onWait` once with its pid.
 */
export async function withStarterLock(path, work, onWait = () => {}) {
  mkdirSync(dirname(path), { recursive: true });
  const text = `${process.pid} ${Date.now()} ${Math.random().toString(36).slice(2)}\n`;
  let told = false;
  while (!tryTake(path, text)) {
    const holder = readHolder(path);
    if (holder && isStale(holder)) {
      clearStale(path, holder);
      if (tryTake(path, text)) break;
      await wait(5);
      continue;
    }
    if (holder && !told) {
      told = true;
      onWait(holder.pid);
    }
    await wait(100);
  }
  const beat = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // Removed by hand: nothing to keep alive.
    }
  }, BEAT_MS);
  beat.unref();
  const release = () => {
    clearInterval(beat);
    if (readHolder(path)?.text === text) rmSync(path, { force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}
