import { delimiter, isAbsolute, join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { candidateOfInterpreter, INTERPRETER_NAME } from '../interpreter-candidate.ts';
import { eachIn } from './virtual-env-folders.ts';

const USUAL = ['/usr/bin', '/usr/local/bin', '/bin', '/opt/homebrew/bin', '/opt/local/bin', '/home/linuxbrew/.linuxbrew/bin', '/run/current-system/sw/bin'];
const MAX_PATH_FOLDERS = 200;

/** Interpreters on the search path and in the usual folders of the system. */
export const systemLocator: Locator = {
  name: 'search path',
  async find(context) {
    const { places } = context;
    const folders = new Map<string, string>();
    for (const path of (places.variable('PATH') ?? '').split(delimiter).slice(0, MAX_PATH_FOLDERS)) if (isAbsolute(path)) folders.set(path, 'search path');
    if (places.platform !== 'win32') for (const path of USUAL) folders.set(places.at(path), folders.get(path) ?? 'system folders');
    folders.set(join(places.home, '.local', 'bin'), 'search path');
    const found: Candidate[] = [];
    for (const [folder, foundBy] of folders) {
      if (context.skippedMounts.get(folder) === 'network' || (places.insideWsl && folder.startsWith('/mnt/'))) continue;
      const names = ((await context.list(folder, 20_000))?.entries ?? []).map((entry) => entry.name).filter((name) => INTERPRETER_NAME.test(name));
      for (const name of names.slice(0, 50)) {
        const candidate = await candidateOfInterpreter(context, join(folder, name), foundBy);
        if (candidate !== null) found.push(candidate);
      }
    }
    for (const versions of ['/Library/Frameworks/Python.framework/Versions', '/Library/Developer/CommandLineTools/Library/Frameworks/Python3.framework/Versions']) {
      if (places.platform === 'darwin') found.push(...(await eachIn(context, places.at(versions), 'Python frameworks', { kind: 'system' })));
    }
    return found;
  },
};
