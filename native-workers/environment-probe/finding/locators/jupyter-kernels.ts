import { isAbsolute, join } from 'node:path';
import { makeProblem } from '../../../../contract/problem-catalogue.ts';
import type { Candidate, Locator } from '../candidate.ts';
import { candidateOfInterpreter } from '../interpreter-candidate.ts';
import { parseKernel } from '../parse-kernel.ts';
import { folderNames } from '../search-context.ts';

/** Kernels registered for Jupyter: each names the interpreter that it starts. */
export const jupyterKernels: Locator = {
  name: 'Jupyter kernels',
  async find(context) {
    const { places } = context;
    const folders = [
      join(places.dataHome, 'jupyter', 'kernels'), join(places.home, '.local', 'share', 'jupyter', 'kernels'), join(places.home, '.ipython', 'kernels'),
      places.at('/usr/share/jupyter/kernels'), places.at('/usr/local/share/jupyter/kernels'),
      ...(places.platform === 'darwin' ? [join(places.home, 'Library', 'Jupyter', 'kernels')] : []),
      ...(places.platform === 'win32' ? [join(places.variableOr('PROGRAMDATA', 'C:\\ProgramData'), 'jupyter', 'kernels')] : []),
      ...[places.variable('JUPYTER_DATA_DIR')].flatMap((path) => (path === null ? [] : [join(path, 'kernels')])),
    ];
    const found: Candidate[] = [];
    for (const folder of new Set(folders)) {
      for (const name of folderNames(await context.list(folder))) {
        const path = join(folder, name, 'kernel.json');
        const text = await context.readText(path);
        const interpreter = text === null ? null : parseKernel(text);
        // A bare `python` is that of the environment in which Jupyter itself runs.
        if (interpreter === null || !isAbsolute(interpreter)) continue;
        const candidate = await candidateOfInterpreter(context, interpreter, `Jupyter kernel "${name}"`);
        if (candidate !== null) found.push(candidate);
        else context.tell(makeProblem('env.interpreter_missing', { path, target: interpreter }));
      }
    }
    return found;
  },
};
