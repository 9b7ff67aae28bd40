import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { problemError } from '../../contract/problem-catalogue.ts';
import { ProblemError } from '../../contract/problem.ts';
import { fileProblem } from '../storage/write-file-atomic.ts';

/** Every place in a data folder. Nothing else in core joins paths to it. */
export interface DataFolder {
  readonly root: string;
  readonly config: string;
  readonly secrets: string;
  readonly database: string;
  readonly logs: string;
  readonly recordings: string;
  readonly jobs: string;
  readonly models: string;
  readonly lock: string;
  /** Unix socket path, or a named pipe on Windows. */
  readonly socket: string;
}

/** A Unix socket's path may have 107 bytes on Linux and 103 on macOS (sun_path); the smaller counts. */
const MAX_SOCKET_PATH = 103;

/** The system's own place for data of this app: XDG, %APPDATA%, ~/Library/Application Support. */
export function defaultDataDir(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env['WARPDECK_DATA_DIR']) return resolve(env['WARPDECK_DATA_DIR']);
  if (platform === 'win32') return join(env['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), 'Warpdeck');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Warpdeck');
  return join(env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'share'), 'warpdeck');
}

export function socketPath(root: string, env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 16);
  if (platform === 'win32') return `\\\\.\\pipe\\warpdeck-${hash}`;
  const inside = join(root, 'engine.sock');
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH) return inside;
  return join(env['XDG_RUNTIME_DIR'] ?? tmpdir(), `warpdeck-${hash}`, 'engine.sock');
}

export function dataFolder(dir: string, env: NodeJS.ProcessEnv = process.env): DataFolder {
  const root = resolve(dir);
  return {
    root,
    config: join(root, 'config.json'),
    secrets: join(root, 'secrets.json'),
    database: join(root, 'warpdeck.db'),
    logs: join(root, 'logs'),
    recordings: join(root, 'recordings'),
    jobs: join(root, 'jobs'),
    models: env['WARPDECK_MODELS_DIR'] ?? join(root, 'models'),
    lock: join(root, 'engine.lock'),
    socket: socketPath(root, env),
  };
}

/** Why a data folder cannot be used, as a Problem: without room `file.disk_full`, else `engine.data_dir`. */
export function folderProblem(dataDir: string, error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const asFile = fileProblem(dataDir, error);
  if (asFile.problem.code === 'file.disk_full') return asFile;
  return problemError('engine.data_dir', { dataDir, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
}

/**
 * Makes the folders, readable by their owner only. A folder that was there and holds something keeps its mode: it may
 * be somebody's home, or /tmp. @throws ProblemError `engine.data_dir`, `file.disk_full`
 */
export function makeDataFolder(folder: DataFolder): void {
  try {
    const made = mkdirSync(folder.root, { recursive: true, mode: 0o700 });
    if (process.platform !== 'win32' && made === undefined && readdirSync(folder.root).length === 0) chmodSync(folder.root, 0o700);
    for (const dir of [folder.logs, folder.recordings]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (process.platform !== 'win32' && dirname(folder.socket) !== folder.root) makeOwnFolder(dirname(folder.socket));
  } catch (error) {
    throw folderProblem(folder.root, error);
  }
}

/** A folder outside the data folder, where others may write: one that somebody else has put there is not used. */
function makeOwnFolder(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const facts = lstatSync(dir);
  if (!facts.isDirectory() || facts.uid !== process.getuid?.()) throw new Error(`${dir} belongs to another user.`);
  chmodSync(dir, 0o700);
}
