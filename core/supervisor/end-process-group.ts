import { spawn } from 'node:child_process';

/**
 * Sends a signal to a whole process group, whose number is the pid of the child that was started detached. Returns
 * false when nobody is left in it. Windows has no groups: there `taskkill` ends the tree, and asks nobody.
 */
export function signalProcessGroup(group: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(group), '/T', '/F'], { stdio: 'ignore', windowsHide: true }).on('error', () => undefined);
    return true;
  }
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
