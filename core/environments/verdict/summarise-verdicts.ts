import type { ReadinessLine } from '../../../contract/system.ts';
import { isFinding, type EnvironmentReport, type GpuTarget } from '../../../contract/verdict.ts';

type Judged = Pick<EnvironmentReport, 'cells' | 'worst'>;

/** The line of Monitor: how many environments cannot use which GPU. Those without PyTorch do not count. */
export function summariseVerdicts(reports: readonly Judged[], targets: readonly GpuTarget[]): ReadinessLine {
  const line = (state: ReadinessLine['state'], text: string): ReadinessLine => ({ area: 'pytorch', state, text: `PyTorch: ${text}`, action: { label: 'Environments', place: 'environments' } });
  const withTorch = reports.filter((r) => r.worst !== 'no_torch');
  if (targets.length === 0) return line('unknown', 'there is no GPU to judge for');
  if (withTorch.length === 0) return line('unknown', reports.length === 0 ? 'no Python environment was found' : 'it is in no environment that was found');
  const cell = (report: Judged, target: GpuTarget): Judged['cells'][number] | undefined => report.cells.find((c) => c.gpuKey === target.key);
  /** What certainly does not use the GPU; `library_gap` uses it in part and `unknown` may. */
  const lost = (report: Judged, target: GpuTarget): boolean => { const word = cell(report, target)?.verdict; return word !== undefined && isFinding(word) && word !== 'library_gap' && word !== 'unknown'; };
  const affected = withTorch.filter((r) => targets.some((t) => lost(r, t)));
  const count = `${affected.length} of ${withTorch.length} environment${withTorch.length === 1 ? '' : 's'}`;
  if (affected.length > 0) {
    const names = [...new Set(targets.filter((t) => withTorch.some((r) => lost(r, t))).map((t) => shortName(t.name)))];
    const every = new Set(targets.map((t) => shortName(t.name))).size;
    const which = names.length > 3 && names.length === every ? 'the GPUs' : withArticle(`${names.slice(0, -1).join(', ')}${names.length > 1 ? ' or ' : ''}${names.at(-1) ?? ''}`);
    return line(affected.length === withTorch.length ? 'problem' : 'attention', `${count} cannot use ${which}`);
  }
  const partly = withTorch.filter((r) => r.cells.some((c) => c.verdict === 'library_gap')), unsure = withTorch.filter((r) => r.cells.some((c) => c.verdict === 'unknown'));
  if (partly.length > 0) return line('attention', `a package in ${partly.length} of ${withTorch.length} environment${withTorch.length === 1 ? '' : 's'} does not fit`);
  if (unsure.length > 0) return line('attention', `${unsure.length} of ${withTorch.length} environment${withTorch.length === 1 ? '' : 's'} could not be judged`);
  return line('fine', withTorch.length === 1 ? 'the environment can use every GPU' : `all ${withTorch.length} environments can use every GPU`);
}

const shortName = (name: string): string => name.replace(/^NVIDIA /, '').replace(/^GeForce /, '');
const withArticle = (names: string): string => (names.startsWith('compute capability') ? `GPUs of ${names}` : `the ${names}`);
