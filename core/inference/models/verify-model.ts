import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Model } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { JobContext, JobResult } from '../../jobs/create-jobs.ts';
import type { ModelProbe } from './model-probe.ts';

/**
 * Compares a model's files with the checksums of where they came from: the download's, or the name of the blob, which in
 * the caches of Ollama and Hugging Face is its SHA-256. Without one the checksum is only said.
 *
 * @returns the job's result, and the origin as it is known then (null: none)
 * @throws ProblemError `model.damaged` when one differs
 */
export async function verifyModel(model: Model, probe: Pick<ModelProbe, 'hash'>, job: JobContext): Promise<{ result: JobResult; origin: Model['origin'] }> {
  let before = 0;
  let compared = 0;
  let firstHash: string | null = null;
  for (const [index, file] of model.files.entries()) {
    const said = index === 0 ? model.origin?.sha256 : null;
    const expected = said ?? (await hashInName(file.path));
    const found = await probe.hash(file.path, job.signal, (done) => { job.progress({ fraction: (before + done) / Math.max(1, model.bytes), doing: `Reading ${basename(file.path)}` }); });
    job.log(`${found}  ${file.path}`);
    firstHash ??= found;
    if (expected !== null && expected.toLowerCase() !== found) throw problemError('model.damaged', { path: file.path, detail: `its SHA-256 is ${found} instead of ${expected.toLowerCase()}.` });
    if (expected !== null) compared += 1;
    before += file.bytes;
  }
  const verified = compared === model.files.length;
  return {
    result: { sha256: firstHash, files: model.files.length, compared, verified },
    origin: model.origin === null ? null : { ...model.origin, sha256: model.origin.sha256 ?? firstHash, verified },
  };
}

async function hashInName(path: string): Promise<string | null> {
  const real = await realpath(path).catch(() => path);
  return /^(?:sha256-)?([0-9a-f]{64})$/.exec(basename(real))?.[1] ?? null;
}
