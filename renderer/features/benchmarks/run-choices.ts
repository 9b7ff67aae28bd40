import type { BenchmarkCase, BenchmarkInfo } from '../../../contract/benchmarks.ts';
import type { EnvironmentMatrix } from '../../../contract/verdict.ts';
import type { Model } from '../../../contract/models.ts';
import { formatDeviceName } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { CPU } from './places.ts';

/** The engine decides. */
export const AUTOMATIC = '';

export interface Choice {
  readonly value: string;
  readonly text: string;
}

/** Where it can run: the engine's choice, each GPU, the processor where a case of it runs there. Pure. */
export function listPlaceChoices(info: Pick<BenchmarkInfo, 'cases'>, devices: readonly { readonly uuid: string; readonly index: number; readonly name: string }[]): readonly Choice[] {
  return [
    { value: AUTOMATIC, text: devices.length === 0 ? 'The processor' : 'The first GPU' },
    ...devices.map((d) => ({ value: d.uuid, text: `GPU ${d.index}: ${formatDeviceName(plainText(d.name))}` })),
    ...(devices.length > 0 && info.cases.some((c) => c.onCpu) ? [{ value: CPU, text: 'The processor' }] : []),
  ];
}

/** Environments that have PyTorch; those that can use no GPU here say so. Pure. */
export function listEnvironmentChoices(matrix: Pick<EnvironmentMatrix, 'rows'> | null, place: string): readonly Choice[] {
  const usable = new Set(['native', 'jit', 'unknown']);
  const rows = (matrix?.rows ?? []).filter((r) => r.torch !== null);
  return [{ value: AUTOMATIC, text: 'The best one for the place' }, ...rows.map((r) => ({ value: r.id, text: `${plainText(r.name)}, torch ${r.torch ?? ''}${place !== CPU && !usable.has(r.worst) ? `, ${r.worst.replaceAll('_', ' ')}` : ''}` }))];
}

/** Models that could be loaded. Pure. */
export function listModelChoices(models: readonly Model[]): readonly Choice[] {
  return [{ value: AUTOMATIC, text: 'The default model' }, ...models.filter((m) => m.facts !== null).map((m) => ({ value: m.id, text: `${plainText(m.name)}${m.synthetic ? ', random weights' : ''}` }))];
}

/** Cases that could run at a place; on a GPU the engine leaves out what does not fit it. Pure. */
export function listCases(info: Pick<BenchmarkInfo, 'cases'>, place: string, hasGpu: boolean): readonly BenchmarkCase[] {
  return place === CPU || (place === AUTOMATIC && !hasGpu) ? info.cases.filter((c) => c.onCpu) : info.cases;
}

/** About how long a choice takes, s: the share of the cases that are chosen; no more than their time limits. Pure. */
export function estimateSeconds(info: Pick<BenchmarkInfo, 'aboutSeconds' | 'cases'>, chosen: number, caseSeconds: number | null): number {
  const usual = (info.aboutSeconds * chosen) / Math.max(1, info.cases.length);
  return caseSeconds === null ? usual : Math.min(usual, chosen * caseSeconds);
}
