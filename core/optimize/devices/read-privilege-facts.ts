import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { PrivilegeFacts } from './decide-privilege.ts';

async function isOnPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter).filter((one) => one !== '')) {
    if (await access(join(folder, program), constants.X_OK).then(() => true, () => false)) return true;
  }
  return false;
}

/** Looks at this machine and session. */
export async function readPrivilegeFacts(simulated: boolean, env: NodeJS.ProcessEnv = process.env): Promise<PrivilegeFacts> {
  const path = env['PATH'] ?? '';
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    hasDesktop: (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '',
    hasPkexec: await isOnPath('pkexec', path),
    hasSudo: await isOnPath('sudo', path),
    simulated,
  };
}
