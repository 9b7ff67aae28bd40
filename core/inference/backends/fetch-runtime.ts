import { mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { JobContext } from '../../jobs/create-jobs.ts';
import type { UnpackWheels } from '../packages/fetch-wheels.ts';
import { runtimeBytes, sizeText, type CudaRuntimeTable } from './cuda-runtime.ts';
import type { System } from './library-names.ts';

export interface FetchRuntimeOptions {
  readonly runtime: CudaRuntimeTable;
  readonly system: System;
  readonly unpackWheels: UnpackWheels;
  /** Replaced as a whole. */
  readonly folder: string;
  /** Files of which at least one must be there afterwards, below the folder. */
  readonly expects: readonly string[];
  readonly job: JobContext;
}

/** Without sizes on record: what it takes on Linux x86-64, bytes. */
const USUAL_UNPACKED = 566e6;

/** @throws ProblemError `download.disk_full`, and what `unpackWheels` throws; what was there before stays then */
export async function fetchRuntime({ runtime, system, unpackWheels, folder, expects, job }: FetchRuntimeOptions): Promise<{ readonly bytes: number | null }> {
  const bytes = runtimeBytes(runtime, system, 'bytes'), unpacked = runtimeBytes(runtime, system, 'unpackedBytes') ?? USUAL_UNPACKED;
  const beside = `${folder}.part`;
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(dirname(folder));
  const free = bavail * bsize, need = unpacked + (bytes ?? unpacked);
  if (free < need) throw problemError('download.disk_full', { path: dirname(folder), free: sizeText(free), need: sizeText(need) });
  try {
    await rm(beside, { recursive: true, force: true });
    await mkdir(beside, { mode: 0o700 });
    job.progress({ fraction: null, doing: `Fetching ${sizeText(bytes)}` });
    await unpackWheels(runtime.packages, beside, job.signal, (p) => job.progress(p));
    job.signal.throwIfAborted();
    const there = await Promise.all(expects.map((path) => stat(join(beside, path)).then((s) => s.isFile(), () => false)));
    if (!there.some(Boolean)) throw problemError('download.unknown', { what: runtime.packages.map((p) => `${p.name} ${p.version}`).join(', '), detail: 'what came does not hold the libraries.' });
    await rm(folder, { recursive: true, force: true });
    await rename(beside, folder);
    return { bytes };
  } catch (error) {
    await rm(beside, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}
