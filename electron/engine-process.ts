import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { problemError } from '../contract/problem-catalogue.ts';
import { ProblemError } from '../contract/problem.ts';
import { makeEngineEnvironment } from './child-environment.ts';
import { parseFirstWords } from './engine-words.ts';
import type { ProgramPlaces } from './program-places.ts';

const START_TIMEOUT_MS = 20_000;

export interface EngineStart {
  readonly places: Pick<ProgramPlaces, 'node' | 'engineEntry' | 'resources'>;
  readonly dataDir: string;
  readonly gpus: string | null;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Starts the engine as a process of its own that outlives this one, and waits for its first words.
 * Not with Electron's `fork`: that would make the child an Electron that plays Node.
 * @throws ProblemError `engine.did_not_start`, `engine.data_dir`, or what the engine says of itself
 */
export async function startEngine(start: EngineStart): Promise<{ readonly socket: string }> {
  const logs = join(start.dataDir, 'logs');
  try {
    mkdirSync(logs, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw problemError('engine.data_dir', { dataDir: start.dataDir, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
  const failed = (detail: string): ProblemError => problemError('engine.did_not_start', { seconds: START_TIMEOUT_MS / 1000, detail, logs });
  // The same small young generation as in core/engine/spawn-engine.ts: resident memory is a promise.
  const args = ['--max-semi-space-size=4', start.places.engineEntry, '--data-dir', start.dataDir, ...(start.gpus === null ? [] : ['--gpus', start.gpus])];
  const env = makeEngineEnvironment(start.env, start.places.resources === null ? {} : { WARPDECK_RESOURCES: start.places.resources });
  const child = spawn(start.places.node, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env, windowsHide: true });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { errors = (errors + text).slice(-4000); });
  const words = child.stdio[3];
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(failed('it said nothing'));
      }, START_TIMEOUT_MS);
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        act();
      };
      child.once('error', (error) => { settle(() => { reject(failed(error.message)); }); });
      // `close`, not `exit`: the last words of a dying engine may still be in the pipes.
      child.once('close', (code, signal) => { settle(() => { reject(failed(`It ended with ${signal ?? String(code)}. ${errors.trim().split('\n').slice(-4).join(' ')}`.trim())); }); });
      let text = '';
      words?.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        const end = text.indexOf('\n');
        if (end < 0) return;
        const said = parseFirstWords(text.slice(0, end));
        settle(() => {
          if (said.kind === 'ready') resolve({ socket: said.socket });
          else reject(said.kind === 'problem' ? new ProblemError(said.problem) : failed('its first words were not understood'));
        });
      });
    });
  } finally {
    words?.destroy();
    child.stderr?.destroy();
    child.unref();
  }
}
