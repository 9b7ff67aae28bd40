import { join } from 'node:path';
import type { ChosenToggle } from '../../../contract/optimize.ts';
import type { NewFile } from './new-file.ts';

export const HOOK_NAME = 'warpdeck_optimize';
const MARK = 'CHOSEN = {"toggles": [], "variables": {}, "torch": None}';

/** Python executes a line that begins with `import`. The switch is looked at first, and nothing is said when the module is gone. */
const PTH_LINE = String.raw`import os; exec("if os.environ.get('WARPDECK_OPTIMIZE') != '0':\n try:\n  import warpdeck_optimize\n  warpdeck_optimize.start()\n except Exception:\n  pass")`;
/** PEP 829: `module:function`. */
const START_LINE = `${HOOK_NAME}:start`;

export interface HookWish {
  /** Where the interpreter looks for packages first. */
  readonly folder: string;
  readonly python: readonly [number, number];
  readonly toggles: readonly ChosenToggle[];
  readonly variables: Readonly<Record<string, string>>;
  /** Version of the environment's torch. */
  readonly torch: string | null;
  /** resources/python/hook/warpdeck_optimize.py */
  readonly template: string;
}

/** The module first: with the second file it begins to act. Pure. */
export function makeHookFiles({ folder, python, toggles, variables, torch, template }: HookWish): NewFile[] {
  if (!template.includes(MARK)) throw new Error('The hook of this installation is not whole');
  const chosen = `CHOSEN = {"toggles": [${toggles.map((one) => `(${pythonText(one.toggleId)}, ${pythonText(one.value)})`).join(', ')}], "variables": {${Object.entries(variables).map(([name, value]) => `${pythonText(name)}: ${pythonText(value)}`).join(', ')}}, "torch": ${torch === null ? 'None' : pythonText(/^\d+\.\d+/.exec(torch)?.[0] ?? '')}}`;
  // .pth lines that run code are on their way out from 3.15 (PEP 829), which has .start in their place.
  const start = python[0] > 3 || python[1] >= 15;
  return [
    { path: join(folder, `${HOOK_NAME}.py`), text: template.replace(MARK, () => chosen), mode: 0o644 },
    { path: join(folder, `${HOOK_NAME}.${start ? 'start' : 'pth'}`), text: `${start ? START_LINE : PTH_LINE}\n`, mode: 0o644 },
  ];
}

/** A literal that is the same in JSON and in Python: ASCII only. */
function pythonText(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
