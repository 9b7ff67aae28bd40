// Runs a tool, keeps the end of what it says, ends its whole process group when it takes too long.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

const TAIL_CHARACTERS = 20_000;
const SHOWN_CHARACTERS = 6000;

/** The end of what was said, without the long rows of one character that a reporter draws: they push the reason out. */
const shownTail = (tail) => tail.replace(/(\S)\1{30,}/gu, '$1$1$1…').slice(-SHOWN_CHARACTERS).trim();

/**
 * @param {{ program: string, args: string[], cwd: string, env: NodeJS.ProcessEnv, limitMs: number, logFile: string, shell?: boolean }} options
 * @returns {Promise<{ exitCode: number | null, signal: string | null, timedOut: boolean, tail: string, stdout: string }>}
 */
export function runProcess({ program, args, cwd, env, limitMs, logFile, shell = false }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile);
  return new Promise((resolve) => {
    const posix = process.platform !== 'win32';
    const child = spawn(program, args, { cwd, env, shell, stdio: ['ignore', 'pipe', 'pipe'], detached: posix, windowsHide: true });
    let tail = '';
    let stdout = '';
    let timedOut = false;
    const end = (signal) => {
      try {
        if (posix && child.pid !== undefined) process.kill(-child.pid, signal);
        else child.kill(signal);
      } catch {
        // It has ended already.
      }
    };
    const interrupt = () => end('SIGTERM');
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    const timer = setTimeout(() => {
      timedOut = true;
      end('SIGTERM');
      setTimeout(() => end('SIGKILL'), 5000).unref();
    }, limitMs);
    const keep = (chunk) => {
      log.write(chunk);
      tail = (tail + chunk).slice(-TAIL_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout = (stdout + chunk).slice(-200_000);
      keep(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', keep);
    let over = false;
    const finish = (exitCode, signal) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      // Nothing that a runner left behind may disturb the next one.
      end('SIGKILL');
      log.end();
      resolve({ exitCode, signal, timedOut, tail: shownTail(tail), stdout });
    };
    child.once('error', (error) => {
      tail += error.message;
      finish(-1, null);
    });
    child.once('close', finish);
    // A leftover that holds the pipes would keep them open for ever.
    child.once('exit', (code, signal) => setTimeout(() => finish(code, signal), 2000));
  });
}
