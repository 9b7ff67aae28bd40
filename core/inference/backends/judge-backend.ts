import type { BackendKind } from '../../../contract/inference.ts';
import type { BackendId, CodeJudgement, DevicePromise, InstalledBackend, LibraryFacts, MissingBackend, RuntimeFile } from './backend-parts.ts';
import { decidePromise, type RealGpu } from './decide-promise.ts';
import { findRuntime } from './find-runtime.ts';
import { foreignLibraries, runtimeMajor, type System } from './library-names.ts';
import type { RuntimePlace } from './runtime-places.ts';

/** A backend with all that its bytes and its surroundings tell, before any trial. */
export interface Judged {
  readonly id: BackendId;
  readonly kind: BackendKind;
  readonly installed: InstalledBackend | null;
  /** Why it is not installed. */
  readonly missing: string | null;
  readonly release: string | null;
  readonly path: string | null;
  readonly sass: readonly string[];
  readonly ptx: readonly string[];
  readonly runtime: readonly RuntimeFile[];
  readonly runtimeFolders: readonly string[];
  readonly promises: readonly DevicePromise[];
}

export interface JudgeSurroundings {
  readonly system: System;
  readonly gpus: readonly RealGpu[];
  readonly driverCuda: string | null;
  readonly readLibrary: (path: string) => Promise<LibraryFacts>;
  readonly judgeCode: (code: LibraryFacts['code'], computeCapability: string) => Promise<CodeJudgement>;
  readonly places: (library: string) => readonly RuntimePlace[];
}

/** Reads one backend's library, finds what it needs, and says what it promises for each GPU. */
export async function judgeBackend(found: InstalledBackend | MissingBackend, around: JudgeSurroundings): Promise<Judged> {
  const nothing = { id: found.id, kind: found.kind, sass: [], ptx: [], runtime: [], runtimeFolders: [], promises: [] };
  if ('why' in found) return { ...nothing, installed: null, missing: found.why, release: null, path: null };
  const base = { ...nothing, installed: found, missing: null, release: found.release, path: found.library };
  if (found.kind === 'cpu') return base;
  // A library that cannot be read is told by its trial.
  const facts = await around.readLibrary(found.library).catch((): null => null);
  const libraries = foreignLibraries(facts?.needed ?? [], found.kind, around.system);
  const runtime = await findRuntime(libraries, around.places(found.library));
  const code = facts?.code ?? [];
  const promises = await Promise.all(around.gpus.map(async (gpu) => decidePromise({
    backend: found, facts, gpu, runtimeMajor: runtimeMajor(libraries), driverCuda: around.driverCuda,
    judgement: gpu.computeCapability === null || code.length === 0 ? null : await around.judgeCode(code, gpu.computeCapability),
  })));
  return {
    ...base, promises, runtime: runtime.files, runtimeFolders: runtime.folders,
    sass: code.filter((c) => c.kind === 'sass').map((c) => c.arch),
    ptx: code.filter((c) => c.kind === 'ptx').map((c) => (c.ptxIsa === null ? c.arch : `${c.arch} (PTX ${c.ptxIsa})`)),
  };
}
