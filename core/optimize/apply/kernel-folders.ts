import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where Jupyter keeps the user's kernels (`jupyter --paths`, data). Pure but for the home folder's default. */
export function listKernelFolders(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform, home = homedir()): string[] {
  const own = env['JUPYTER_DATA_DIR'];
  if (own !== undefined && own !== '') return [join(own, 'kernels')];
  if (platform === 'win32') return [join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'jupyter', 'kernels')];
  if (platform === 'darwin') return [join(home, 'Library', 'Jupyter', 'kernels')];
  return [join(env['XDG_DATA_HOME'] ?? join(home, '.local', 'share'), 'jupyter', 'kernels')];
}
