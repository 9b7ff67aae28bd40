import { dialog, shell, type BrowserWindow } from 'electron';
import { decideExternal } from './navigation-guard.ts';

/** The only module that uses `shell`. Opens an https address in the user's browser after naming its host; false when refused. */
export async function openExternal(url: string, window: BrowserWindow | null, log: (text: string) => void): Promise<boolean> {
  const decision = decideExternal(url);
  if (decision.kind === 'refuse') {
    log(`opening ${url.slice(0, 200)} was refused`);
    return false;
  }
  const question = { type: 'question' as const, message: `Open ${decision.host} in the browser?`, detail: decision.url.slice(0, 300), buttons: ['Open', 'Cancel'], defaultId: 0, cancelId: 1, noLink: true };
  const { response } = window ? await dialog.showMessageBox(window, question) : await dialog.showMessageBox(question);
  if (response !== 0) return false;
  await shell.openExternal(decision.url);
  return true;
}

/** Opens a folder that we made ourselves; false when the system could not. */
export async function openFolder(path: string): Promise<boolean> {
  return (await shell.openPath(path)) === '';
}
