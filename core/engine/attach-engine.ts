import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { problemOf } from '../../contract/problem.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { EngineInfo } from '../../contract/system.ts';
import { dataFolder, makeDataFolder, type DataFolder } from '../system/data-folder.ts';
import { formatSourceSpec, parseSourceSpec } from '../gpu/sources/choose-source.ts';
import { isProcessRunning } from '../supervisor/process-identity.ts';
import { connectEngine, type EngineConnection } from './connect.ts';
import { readLock } from './engine-lock.ts';
import { spawnEngine } from './spawn-engine.ts';

export interface AttachOptions {
  readonly dataDir: string;
  /** As given by --gpus; null when it was not given. */
  readonly gpus: string | null;
  /** The engine shall stay until it is stopped (`serve`). */
  readonly stay?: boolean;
  /** False: only attach to one that runs. */
  readonly mayStart?: boolean;
  /** What a different --gpus leads to: an engine of its own for this face (commands), or a Problem (serve, app). */
  readonly whenGpusDiffer?: 'own' | 'problem';
}
export interface AttachedEngine extends EngineConnection {
  readonly info: EngineInfo;
}

async function finish(connection: EngineConnection): Promise<AttachedEngine> {
  const info = await connection.client.engine.info({});
  return { ...connection, info };
}

/** The engine that runs for this folder, or null. Waits for one that is just starting: its lock is there before its socket. */
async function findRunning(folder: DataFolder): Promise<AttachedEngine | null> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const lock = readLock(folder.lock);
    if (!lock || !isProcessRunning(lock)) return null;
    try {
      return await finish(await connectEngine(lock.socket, folder.root));
    } catch (error) {
      if (problemOf(error)?.code !== 'engine.unreachable') throw error;
      if (Date.now() > deadline) throw problemError('engine.locked', { pid: lock.pid, dataDir: folder.root }, { cause: error });
      // Polled, because a process that holds the lock and is about to end or to listen tells nobody.
      await wait(50);
    }
  }
}

async function startOwn(gpus: string): Promise<AttachedEngine> {
  const dir = mkdtempSync(join(tmpdir(), 'warpdeck-'));
  try {
    const folder = dataFolder(dir);
    const { socket } = await spawnEngine({ folder, gpus, ephemeral: true });
    return await finish(await connectEngine(socket, dir));
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Attaches to the running engine of a data folder, else starts one. A command that names other GPUs than the
 * running engine's gets one of its own, which keeps nothing and ends with the command.
 * @throws ProblemError `engine.unreachable`, `engine.did_not_start`, `engine.locked`, `engine.gpus_differ`, `engine.data_dir`
 */
export async function attachEngine(options: AttachOptions): Promise<AttachedEngine> {
  const folder = dataFolder(options.dataDir);
  // In one spelling (`simulate` is `simulate:4`, a recording's path is absolute), because it is compared and handed on.
  const asked = parseSourceSpec(options.gpus);
  const gpus = asked === null ? null : formatSourceSpec(asked.kind === 'replay' ? { ...asked, path: resolve(asked.path) } : asked);
  const differ = options.whenGpusDiffer ?? 'own';
  for (let attempt = 0; ; attempt += 1) {
    const running = await findRunning(folder);
    if (running) {
      if (gpus === null || running.info.sourceSpec === gpus) return running;
      running.close();
      if (differ === 'problem') throw problemError('engine.gpus_differ', { pid: running.info.pid, running: running.info.sourceSpec, wanted: gpus });
      return startOwn(gpus);
    }
    if (options.mayStart === false) throw problemError('engine.unreachable', { dataDir: folder.root, detail: 'no engine is running' });
    if (gpus !== null && differ === 'own') return startOwn(gpus);
    makeDataFolder(folder);
    try {
      await spawnEngine({ folder, gpus, stay: options.stay ?? false });
    } catch (error) {
      // Somebody else started one in the same moment: take theirs.
      if (problemOf(error)?.code !== 'engine.locked' || attempt >= 3) throw error;
    }
    if (attempt >= 3) throw problemError('engine.unreachable', { dataDir: folder.root, detail: 'it ends right after its start' });
  }
}
