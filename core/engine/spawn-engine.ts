import { spawn } from 'node:child_process';
import { z } from 'zod';
import { problem, ProblemError } from '../../contract/problem.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { entryPoint } from '../system/entry-points.ts';
import type { DataFolder } from '../system/data-folder.ts';

/** The one line that a starting engine writes on descriptor 3. */
export const readyLine = z.union([
  z.object({ ready: z.literal(true), pid: z.int(), socket: z.string() }),
  z.object({ problem }),
]);

export interface SpawnEngineOptions {
  readonly folder: DataFolder;
  readonly gpus: string | null;
  readonly stay?: boolean;
  readonly ephemeral?: boolean;
}

const START_TIMEOUT_MS = 20_000;

/**
 * Starts an engine as a process of its own that outlives this one, and waits for its ready line.
 * @throws ProblemError `engine.did_not_start`, or what the engine says of itself (`engine.locked`, …)
 */
export async function spawnEngine(options: SpawnEngineOptions): Promise<{ readonly pid: number; readonly socket: string }> {
  const args = [
    ...(process.execArgv.includes('--enable-source-maps') ? ['--enable-source-maps'] : []),
    // A small young generation: the engine's garbage is short-lived frames, and resident memory is a promise.
    '--max-semi-space-size=4',
    entryPoint('engine'), '--data-dir', options.folder.root,
    ...(options.gpus === null ? [] : ['--gpus', options.gpus]),
    ...(options.stay ? ['--stay'] : []),
    ...(options.ephemeral ? ['--ephemeral'] : []),
  ];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: process.env });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  const pipe = child.stdio[3];
  const failed = (detail: string): ProblemError => problemError('engine.did_not_start', { seconds: START_TIMEOUT_MS / 1000, detail: detail || 'no output', logs: options.folder.logs });
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(failed('no answer'));
      }, START_TIMEOUT_MS);
      let text = '';
      child.once('error', (error) => { reject(failed(error.message)); });
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        reject(failed(`ended with ${signal ?? String(code)}. ${stderr.trim().split('\n').slice(-3).join(' ')}`));
      });
      pipe?.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        const end = text.indexOf('\n');
        if (end < 0) return;
        clearTimeout(timer);
        const said = readyLine.safeParse(JSON.parse(text.slice(0, end)));
        if (!said.success) reject(failed('its first words were not understood'));
        else if ('problem' in said.data) reject(new ProblemError(said.data.problem));
        else resolve({ pid: said.data.pid, socket: said.data.socket });
      });
    });
  } finally {
    pipe?.destroy();
    child.stderr?.destroy();
    child.unref();
  }
}
