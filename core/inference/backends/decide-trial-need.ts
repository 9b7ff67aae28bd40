import type { BackendKind } from '../../../contract/inference.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import { kindNames, type DevicePromise, type RuntimeFile } from './backend-parts.ts';
import { isCudaRuntime, isDriverLibrary } from './library-names.ts';

export interface TrialNeedQuestion {
  readonly kind: BackendKind;
  /** GPUs that are really there; Vulkan may run on one of another maker. */
  readonly gpus: number;
  readonly runtime: readonly RuntimeFile[];
  readonly promises: readonly DevicePromise[];
  /** What fetching the CUDA runtime takes, in words: `0.40 GB`. */
  readonly runtimeSize: string;
}

/** `try`: only a decode can tell. The others are known without one. */
export type TrialNeed =
  | { readonly need: 'try' }
  | { readonly need: 'missing' | 'fails'; readonly detail: string; readonly problem: Problem | null };

/** Whether a trial is worth a process. What is sure to fail is not run: it may abort, and nothing is learned. Pure. */
export function decideTrialNeed({ kind, gpus, runtime, promises, runtimeSize }: TrialNeedQuestion): TrialNeed {
  if (kind === 'cpu') return { need: 'try' };
  const name = kindNames[kind];
  const missing = runtime.filter((file) => file.path === null).map((file) => file.library);
  const fails = (need: 'missing' | 'fails', detail: string, remedy: string): TrialNeed => ({ need, detail, problem: makeProblem('engine.backend_fails', { kind: name, detail, remedy }) });
  if (kind === 'cuda' && gpus === 0) return { need: 'missing', detail: missing.length === 0 ? 'No NVIDIA GPU answers on this machine.' : `No NVIDIA GPU answers on this machine, and ${listNames(missing)} ${missing.length === 1 ? 'is' : 'are'} not here.`, problem: null };
  const driver = missing.find(isDriverLibrary);
  if (driver !== undefined) return fails('missing', `The driver’s library ${driver} was not found.`, 'Install the NVIDIA driver for this system; in a container, start it with the GPU (--gpus all).');
  const other = missing.filter((library) => !isCudaRuntime(library));
  if (other.length > 0) {
    const remedy = kind === 'vulkan' ? 'Install the Vulkan loader (Debian and Ubuntu: libvulkan1; Fedora: vulkan-loader).' : 'Install it, or activate an environment that brings it.';
    return fails('missing', `${listNames(other)} ${other.length === 1 ? 'was' : 'were'} not found in an environment or in the system.`, remedy);
  }
  if (missing.length > 0) return { need: 'missing', detail: `${listNames(missing)} ${missing.length === 1 ? 'was' : 'were'} not found.`, problem: makeProblem('engine.cuda_runtime_missing', { libraries: listNames(missing), size: runtimeSize }) };
  if (kind === 'cuda' && promises.length > 0 && promises.every((p) => p.promise === 'incompatible')) {
    return fails('fails', [...new Set(promises.map((p) => `${p.name}: ${p.why}`))].join(' '), 'Update the driver, or build llama.cpp here ("warpdeck engine build").');
  }
  return { need: 'try' };
}

export function listNames(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
