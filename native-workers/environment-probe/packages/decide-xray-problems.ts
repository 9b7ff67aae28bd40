import type { EnvironmentXray } from '../../../contract/environments.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { DamagedFile, RecordReading } from './check-record.ts';
import type { RecordOwner } from './folder-claims.ts';
import { showPath } from './package-name.ts';
import type { Trouble } from './read-distributions.ts';

/** Packages named one by one; of more than these the rest is counted. */
const MAX_NAMED = 10;

/** One Problem for each path that describes itself wrongly. */
export function decideMetadataProblems(troubles: readonly Trouble[], prefix: string): Problem[] {
  const byPath = new Map<string, string[]>();
  for (const { path, detail } of troubles) {
    const details = byPath.get(path) ?? [];
    if (!details.includes(detail)) byPath.set(path, [...details, detail]);
  }
  const named = [...byPath].slice(0, MAX_NAMED).map(([path, details]) => makeProblem('env.metadata_broken', { path: showPath(path), detail: `${details.join('; ')}.` }));
  const rest = byPath.size - named.length;
  return rest > 0 ? [...named, makeProblem('env.metadata_broken', { path: showPath(prefix), detail: `${rest} more of its packages describe themselves wrongly.` })] : named;
}

/** What the comparison with RECORD means. `leftovers`: packages that nothing uses, whose files others may overwrite. */
export function decideRecordProblems(reading: RecordReading, leftovers: ReadonlySet<string>): Problem[] {
  const problems: Problem[] = [];
  const missing = reading.damaged.filter((file) => file.what === 'missing');
  const example = missing.find((file) => !leftovers.has(file.owner.name)) ?? missing[0];
  if (example !== undefined) problems.push(makeProblem('env.files_missing', { missing: missing.length, files: reading.check.files, example: showPath(example.path), package: example.owner.name, why: explainMissing(missing, reading.claims) }));
  const changed = decideUnexplainedChanges(reading, leftovers);
  if (changed[0] !== undefined) problems.push(makeProblem('env.files_changed', { changed: changed.length, files: reading.check.files, example: showPath(changed[0].path), package: changed[0].owner.name }));
  return problems;
}

/**
 * Changed files without those that a leftover package claims and another one, whose file it now is, finds as recorded:
 * nothing that is used differs there, and `env.leftovers` names the cause.
 */
export function decideUnexplainedChanges(reading: Pick<RecordReading, 'damaged' | 'claims'>, leftovers: ReadonlySet<string>): DamagedFile[] {
  const damagedBy = new Map<string, Set<RecordOwner>>();
  for (const file of reading.damaged) damagedBy.set(file.absolutePath, (damagedBy.get(file.absolutePath) ?? new Set()).add(file.owner));
  return reading.damaged.filter((file) => {
    if (file.what !== 'size') return false;
    const fits = (reading.claims.get(file.absolutePath) ?? []).some((owner) => !(damagedBy.get(file.absolutePath)?.has(owner) ?? false));
    return !(fits && leftovers.has(file.owner.name));
  });
}

function explainMissing(missing: readonly DamagedFile[], claims: RecordReading['claims']): string {
  const shared = missing.find((file) => claims.has(file.absolutePath));
  const owners = shared === undefined ? [] : [...new Set((claims.get(shared.absolutePath) ?? []).map((owner) => owner.name))];
  if (owners.length > 1) return `${owners.slice(0, 3).join(' and ')} claim the same files.`;
  // Measured: cuDNN, NCCL and cuSPARSELt of CUDA 12 and 13 share 27 paths, those of 11 and 12 some as well.
  if (missing.some((file) => /^nvidia-.*-cu\d+$/.test(file.owner.name))) return 'The packages of NVIDIA libraries for different CUDA versions install into the same paths: removing one deletes files of the other.';
  if (missing.some((file) => file.owner.name === 'torch')) return 'PyTorch itself is incomplete: an installation was interrupted, or files were deleted by hand.';
  return 'An installation was interrupted, or files were deleted by hand.';
}

/** The record of torch is there and its folder is not; said also where the files were not compared. */
export function decideGoneProblem(gone: { readonly path: string } | null, record: Pick<RecordReading, 'damaged'> | null): Problem[] {
  if (gone === null || (record !== null && record.damaged.some((file) => file.owner.name === 'torch'))) return [];
  return [makeProblem('env.files_missing', { missing: 'All', files: 'the', example: 'torch/__init__.py', package: 'torch', why: 'The folder of the package is gone; only its record is left.' })];
}

export function decideDuplicateProblems(used: string | null, duplicates: readonly { readonly path: string; readonly why: string }[]): Problem[] {
  return duplicates.slice(0, MAX_NAMED).map(({ path, why }) => makeProblem('env.duplicate_torch', { used: showPath(used ?? '—'), other: showPath(path), why }));
}

/** One for each CUDA version that something is left of. */
export function decideLeftoverProblems(leftovers: EnvironmentXray['leftovers']): Problem[] {
  const majors = [...new Set(leftovers.map((one) => one.cudaMajor))].sort((a, b) => a - b);
  return majors.map((major) => {
    const these = leftovers.filter((one) => one.cudaMajor === major);
    return makeProblem('env.leftovers', { count: these.length, major, example: these[0]?.name ?? '' });
  });
}

export function decideShadowProblems(shadows: readonly { readonly module: string; readonly path: string; readonly why: string }[]): Problem[] {
  return shadows.slice(0, MAX_NAMED).map(({ module, path, why }) => makeProblem('env.shadowed', { module, path: showPath(path), why }));
}
