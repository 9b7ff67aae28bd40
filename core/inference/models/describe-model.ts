import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { ModelReadResult, ModelSearchResult } from '../../../contract/model-probe.ts';
import type { Model, ModelHome } from '../../../contract/models.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { KnownModels } from './known-models.ts';

export type FoundModel = ModelSearchResult['folders'][number]['found'][number];

/** Stable while the file stays where it is. */
export function modelIdOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 12);
}

/** A model out of what was found and what its header says. Pure. */
export function describeModel(found: FoundModel, home: ModelHome, read: ModelReadResult, known: Pick<KnownModels, 'origin' | 'lastUsedAtMs'>): Model | null {
  const first = found.files[0];
  if (first === undefined) return null;
  const name = found.name ?? nameOf(first.path);
  return {
    id: modelIdOf(first.path),
    name,
    path: first.path,
    files: found.files.map(({ path, bytes }) => ({ path, bytes })),
    bytes: found.files.reduce((sum, file) => sum + file.bytes, 0),
    changedAtMs: Math.max(...found.files.map((file) => file.changedAtMs)),
    home,
    label: found.label,
    synthetic: read.synthetic,
    facts: read.facts,
    origin: known.origin(first.path),
    lastUsedAtMs: known.lastUsedAtMs(first.path),
    problems: [...found.problems, ...(read.problem === null ? [] : [read.problem]), ...templateProblems(name, read)],
  };
}

function templateProblems(name: string, { facts, problem }: ModelReadResult): Problem[] {
  if (facts === null || facts.embeddingOnly || problem !== null) return [];
  if (facts.template === null) return [makeProblem('model.no_template', { name })];
  return facts.template.refused === null ? [] : [makeProblem('model.template_refused', { detail: facts.template.refused })];
}

/** How people write quantisations at the end of a file's name. */
const QUANTISATION = /[-_.](?:UD-)?(?:I?Q\d(?:_\w+)?|[BF]?F(?:16|32)|MXFP4(?:_MOE)?|NVFP4|TQ[12]_0)$/i;

/** `SmolLM2-135M-Instruct` of `…/SmolLM2-135M-Instruct.Q4_1.gguf`. */
export function nameOf(path: string): string {
  const plain = basename(path.replaceAll('\\', '/')).replace(/\.gguf$/i, '').replace(/-\d{5}-of-\d{5}$/, '');
  const short = plain.replace(QUANTISATION, '');
  return short === '' ? plain : short;
}
