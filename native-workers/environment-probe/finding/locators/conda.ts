import { dirname, isAbsolute, join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import type { Places } from '../places.ts';
import type { SearchContext } from '../search-context.ts';
import { parseCondarc } from '../parse-condarc.ts';
import { eachIn } from './virtual-env-folders.ts';

const INSTALLS = ['anaconda3', 'anaconda', 'miniconda3', 'miniconda', 'miniforge3', 'miniforge', 'mambaforge', 'micromamba', 'conda', '.conda', '.micromamba', 'opt/anaconda3', 'opt/miniconda3', '.local/share/mamba', 'mamba'];
const VARIABLES = ['CONDA_ROOT', 'CONDA_DIR', 'CONDA', 'CONDA_PREFIX', 'CONDA_PREFIX_1', '_CONDA_ROOT', 'MAMBA_ROOT_PREFIX'];
/** Lines of environments.txt that are looked at; conda never removes those of deleted environments. */
const MAX_LISTED = 1000;

/** conda, mamba and micromamba: what they list, their settings, and where their installers put them. */
export const condaLocator: Locator = {
  name: 'conda',
  async find(context) {
    const { places } = context;
    const found: Candidate[] = [];
    const roots = new Map<string, string>();
    for (const root of usualRoots(places)) roots.set(root, 'conda installations');
    for (const name of VARIABLES) {
      const value = places.variable(name);
      if (value !== null) roots.set(value, name);
    }
    const executable = places.variable('CONDA_EXE') ?? places.variable('MAMBA_EXE');
    if (executable !== null) roots.set(dirname(dirname(executable)), 'CONDA_EXE');

    for (const prefix of await readEnvironmentsTxt(context)) {
      found.push({ prefix, foundBy: 'conda list', kind: 'conda' });
      // ROOT/envs/NAME: the installation itself may not be in a usual place.
      if (/[/\\]envs[/\\][^/\\]+$/.test(prefix)) roots.set(dirname(dirname(prefix)), 'conda list');
    }
    const folders = (places.variable('CONDA_ENVS_PATH') ?? places.variable('CONDA_ENVS_DIRS') ?? '').split(places.platform === 'win32' ? ';' : ':').filter((path) => path !== '');
    for (const rc of [...configFiles(places), ...[...roots.keys()].map((root) => join(root, '.condarc'))]) {
      const text = await context.readText(rc);
      if (text !== null) folders.push(...parseCondarc(text, places.home, (name) => places.variable(name)));
    }
    for (const [root, foundBy] of roots) found.push({ prefix: root, foundBy, kind: 'conda' }, ...(await eachIn(context, join(root, 'envs'), 'conda envs', { kind: 'conda' })));
    for (const folder of new Set(folders)) found.push(...(await eachIn(context, folder, 'conda envs_dirs', { kind: 'conda' })));
    return found;
  },
};

function usualRoots(places: Places): readonly string[] {
  const bases = places.platform === 'win32'
    ? [places.home, places.localAppData, places.variableOr('PROGRAMDATA', 'C:\\ProgramData'), places.at('C:\\')]
    : [places.home, ...['/opt', '/usr/local', '/opt/homebrew/Caskroom'].map((path) => places.at(path))];
  return [...bases.flatMap((base) => INSTALLS.map((name) => join(base, name))), ...bases.slice(-1).flatMap((base) => ['miniconda', 'miniforge', 'mambaforge', 'anaconda'].map((name) => join(base, name, 'base')))];
}

function configFiles(places: Places): readonly string[] {
  const config = places.variableOr('XDG_CONFIG_HOME', join(places.home, '.config'));
  return [
    ...['.condarc', '.mambarc', '.conda/.condarc', '.conda/condarc', '.mamba/.mambarc'].map((name) => join(places.home, name)),
    join(config, 'conda', '.condarc'), join(config, 'mamba', 'mambarc'), places.at('/etc/conda/.condarc'), places.at('/etc/conda/condarc'),
    ...[places.variable('CONDARC')].filter((path) => path !== null),
  ];
}

async function readEnvironmentsTxt(context: SearchContext): Promise<readonly string[]> {
  const text = (await context.readText(join(context.places.home, '.conda', 'environments.txt'), 1024 * 1024)) ?? '';
  return text.split(/\r?\n/).map((line) => line.trim()).filter((line) => isAbsolute(line)).slice(0, MAX_LISTED);
}
