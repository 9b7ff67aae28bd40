// Decides between the desktop window and the browser for `app`. Pure but for `exists`.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Arguments of a call of `app`: the verb itself and global flags with their values. Null when it is another verb, or help. */
export function parseAppArguments(args) {
  const own = [];
  let verbSeen = false;
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i];
    if (arg === '--gpus' || arg === '--data-dir') {
      if (args[i + 1] === undefined) return null;
      own.push(arg, args[i + 1]);
      i += 1;
    } else if (/^--(gpus|data-dir)=./.test(arg)) own.push(arg);
    else if (arg === '--quiet' || arg === '-q') continue;
    else if (arg === 'app' && !verbSeen) verbSeen = true;
    else return null;
  }
  return own;
}

/** Electron's program, or null: the package brings it only where its download was possible. */
export function findElectron({ root, env = process.env, platform = process.platform, exists = existsSync }) {
  const dist = env.ELECTRON_OVERRIDE_DIST_PATH || join(root, 'node_modules', 'electron', 'dist');
  const names = platform === 'win32' ? ['electron.exe'] : platform === 'darwin' ? ['Electron.app/Contents/MacOS/Electron'] : ['electron'];
  try {
    // The package writes its program's name down where it was renamed.
    names.unshift(readFileSync(join(root, 'node_modules', 'electron', 'path.txt'), 'utf8').trim());
  } catch {
    // Not downloaded.
  }
  return names.filter((name) => name !== '').map((name) => join(dist, name)).find((path) => exists(path)) ?? null;
}

/** @returns {{ kind: 'window', program: string } | { kind: 'browser', why: string }} */
export function decideDesktop({ electron, built, env = process.env, platform = process.platform, uid = process.getuid?.() ?? null }) {
  if (electron === null) return { kind: 'browser', why: 'Electron is not installed here' };
  if (!built) return { kind: 'browser', why: 'the desktop window is not built' };
  if (platform !== 'win32' && platform !== 'darwin') {
    if (!env.DISPLAY && !env.WAYLAND_DISPLAY) return { kind: 'browser', why: 'there is no display' };
    // Chromium's sandbox refuses the superuser, and switching it off is not ours to do.
    if (uid === 0) return { kind: 'browser', why: 'the desktop window does not run as root' };
  }
  return { kind: 'window', program: electron };
}

/** How to open a page here, or null where nothing can show one. */
export function decideOpener({ env = process.env, platform = process.platform }) {
  if (platform === 'win32') return { program: 'explorer.exe', args: [] };
  if (platform === 'darwin') return { program: 'open', args: [] };
  return env.DISPLAY || env.WAYLAND_DISPLAY ? { program: 'xdg-open', args: [] } : null;
}
