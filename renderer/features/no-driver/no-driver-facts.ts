import type { Inventory } from '../../../contract/gpu.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { StateKind } from '../../ui/state-mark.tsx';

export interface Version {
  readonly label: string;
  readonly value: string;
  readonly note: string;
  readonly bad: boolean;
}

/** The versions on one line, as far as the Problem names them; fewer than two say nothing. Pure. */
export function decideVersions(problem: Problem): readonly Version[] {
  const of = (key: string): string | null => {
    const value = problem.facts[key];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const loaded = of('moduleVersion');
  const library = of('libraryVersion');
  const disk = of('diskModuleVersion');
  const out: Version[] = [];
  if (loaded) out.push({ label: 'Kernel module, loaded', value: loaded, note: library && loaded !== library ? 'not the library’s' : 'in use', bad: library !== null && loaded !== library });
  if (library) out.push({ label: 'Library, on disk', value: library, note: 'what programs talk to', bad: false });
  if (disk) out.push({ label: 'Module, on disk', value: disk, note: disk === library ? 'used after a restart' : 'not the library’s either', bad: library !== null && disk !== library });
  return out.length >= 2 ? out : [];
}

export interface Work {
  readonly name: string;
  readonly kind: StateKind;
  readonly word: string;
  readonly text: string;
}

/** What works without a driver, and what does not. Pure. */
export function decideWorks(code: string, historyOn: boolean): readonly Work[] {
  const history: Work = historyOn ? { name: 'History', kind: 'fine', word: 'works', text: 'Everything up to the last reading can be looked at and exported.' } : { name: 'History', kind: 'unknown', word: 'is off', text: 'Switch it on in the settings to keep readings.' };
  const jobs: Work | null = code === 'gpu.version_mismatch' ? { name: 'Running jobs', kind: 'fine', word: 'go on', text: 'Programs that opened the driver before the update keep working. Do not stop them first.' } : null;
  return [
    history,
    ...(jobs ? [jobs] : []),
    { name: 'Alerts, settings', kind: 'fine', word: 'work', text: 'Thresholds can be changed; they count when the GPU answers again.' },
    { name: 'Recordings', kind: 'fine', word: 'work', text: 'A recording of another machine can be played: warpdeck app --gpus replay:FILE.' },
    { name: 'Live values', kind: 'problem', word: 'stopped', text: 'Every reading needs the driver. Nothing is shown instead.' },
  ];
}

const futile: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'gpu.version_mismatch': [
    ['Reinstalling PyTorch', 'No environment is involved.'],
    ['Reinstalling the CUDA toolkit', 'It brings neither the module nor this library.'],
    ['Copying the old library back', 'The next update breaks it again.'],
  ],
  'gpu.no_driver': [
    ['Installing the CUDA toolkit alone', 'It talks to the driver; it is not the driver.'],
    ['Installing PyTorch with CUDA', 'It brings its own runtime, but no driver.'],
  ],
  'gpu.module_not_loaded': [
    ['Reinstalling PyTorch or the toolkit', 'The module is part of the driver, not of either.'],
    ['Restarting programs', 'Each of them gets the same answer until the module is loaded.'],
  ],
  'gpu.container': [
    ['Installing a driver inside the container', 'The module lives in the host’s kernel; the toolkit brings the library in.'],
    ['Another base image', 'Any image works once the container is started with the GPU.'],
  ],
  'gpu.no_permission': [
    ['Running everything as root', 'It hides the cause, and leaves files that you cannot change.'],
    ['Reinstalling the driver', 'It is there; only its device files are closed to you.'],
  ],
};

/** Popular advice that does not help here. Pure. */
export function decideFutile(code: string): readonly (readonly [string, string])[] {
  return futile[code] ?? [];
}

/** Sentences of a remedy, one step each; the first part of each stands out. Pure. */
export function decideSteps(problem: Problem): readonly { readonly text: string; readonly command: string | null }[] {
  const sentences = problem.remedy.split(/(?<=\.)\s+(?=[A-Z])/).filter((s) => s !== '');
  const commands = problem.actions.filter((a) => a.kind === 'copy').map((a) => a.command);
  const length = Math.max(sentences.length, commands.length, 1);
  return Array.from({ length }, (_, i) => ({ text: sentences[i] ?? 'Or run this.', command: commands[i] ?? null }));
}

/** Whether the page says why there is no reading instead of showing cards. A worker that restarts is no such thing. Pure. */
export function hasNoDriver(inventory: Pick<Inventory, 'state' | 'problem'> & { readonly devices: readonly unknown[] }): boolean {
  return inventory.problem !== null && (inventory.devices.length === 0 || (inventory.state === 'problem' && inventory.problem.code.startsWith('gpu.')));
}
