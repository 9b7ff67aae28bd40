import { win32 } from 'node:path';
import type { Candidate } from './candidate.ts';

const FAMILY = /^PythonSoftwareFoundation\.Python\.(\d)\.(\d+)_[a-z0-9]+$/i;

/** Store Pythons by the folders of their aliases in %LOCALAPPDATA%\Microsoft\WindowsApps. */
export function decideStorePythons(names: readonly string[], apps: string, localAppData: string): readonly Candidate[] {
  return names.flatMap((name) => {
    const match = FAMILY.exec(name);
    if (match === null) return [];
    const [, major = '', minor = ''] = match;
    const packages = win32.join(localAppData, 'Packages', name, 'LocalCache', 'local-packages', `Python${major}${minor}`, 'site-packages');
    return [{ prefix: win32.join(apps, name), foundBy: 'Windows Store', kind: 'store' as const, variant: `${major}.${minor}`, interpreter: win32.join(apps, name, 'python.exe'), name: `Python ${major}.${minor} (Windows Store)`, packageFolders: [packages] }];
  });
}
