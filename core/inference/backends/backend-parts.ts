/** What the parts of the backends give each other. */
import type { DeviceCode } from '../../../contract/environments.ts';
import type { Backend, BackendKind } from '../../../contract/inference.ts';

/** What a library's bytes say. */
export interface LibraryFacts {
  readonly code: readonly DeviceCode[];
  /** Libraries that it is linked with. */
  readonly needed: readonly string[];
  readonly troubles: readonly string[];
}

/** What device code is for a GPU with this machine's driver. */
export type CodeJudgement = { readonly state: 'native' | 'jit' | 'ptx_too_new' | 'ptx_unknown' | 'missing' | 'unknown'; readonly by: string | null; readonly needCuda: string | null };

/** A build of llama.cpp on this machine. */
export interface InstalledBackend {
  readonly id: BackendId;
  readonly kind: BackendKind;
  /** null: it cannot be told. */
  readonly release: string | null;
  /** The file that makes it what it is: ggml's library of the kind, the addon for the processor. */
  readonly library: string;
  /** Copy of the node-llama-cpp package that loads it; null: the one that ships. */
  readonly engineFolder: string | null;
}
export type BackendId = 'cuda-given' | 'cuda-local' | 'cuda' | 'vulkan' | 'cpu-local' | 'cpu';

/** What can be used of one that is not there, and why it is not. */
export interface MissingBackend {
  readonly id: BackendId;
  readonly kind: BackendKind;
  readonly why: string;
}

export type RuntimeFile = Backend['runtime'][number];
export type DevicePromise = Backend['devices'][number];
export type Trial = Backend['trial'];

/** Best first: a build that was given or made here is preferred to the one that ships. */
export const backendOrder: readonly BackendId[] = ['cuda-given', 'cuda-local', 'cuda', 'vulkan', 'cpu-local', 'cpu'];
export const kindNames: Readonly<Record<BackendKind, string>> = { cuda: 'CUDA', vulkan: 'Vulkan', cpu: 'processor' };
