import { createHash } from 'node:crypto';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Where the data folder and its engine's socket are. The same rules as core/system/data-folder.ts, which this
 * face may not import; data-dir.test.ts holds the two equal.
 */
export function defaultDataDir(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env['WARPDECK_DATA_DIR']) return resolve(env['WARPDECK_DATA_DIR']);
  if (platform === 'win32') return join(env['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), 'Warpdeck');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Warpdeck');
  return join(env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'share'), 'warpdeck');
}

/** A Unix socket's path may have 107 bytes on Linux and 103 on macOS (sun_path); the smaller counts. */
const MAX_SOCKET_PATH = 103;

export function socketPath(root: string, env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 16);
  if (platform === 'win32') return `\\\\.\\pipe\\warpdeck-${hash}`;
  const inside = join(root, 'engine.sock');
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH) return inside;
  return join(env['XDG_RUNTIME_DIR'] ?? tmpdir(), `warpdeck-${hash}`, 'engine.sock');
}
