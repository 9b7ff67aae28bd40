import type { BenchmarkRun } from '../../../contract/benchmarks.ts';
import { formatDeviceName } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';

export const CPU = 'cpu';

/** Where something was measured, as the page shows it. */
export interface ShownPlace {
  readonly key: string;
  readonly name: string;
  /** Of the device in this machine; null for the processor and for what is not here. */
  readonly index: number | null;
}

interface KnownDevice {
  readonly uuid: string;
  readonly index: number;
  readonly name: string;
}

/** Every place that has a run: the GPUs of this machine in their order, the processor, then those that are not here. Selected GPUs alone, where some are selected. Pure. */
export function decidePlaces(runs: readonly Pick<BenchmarkRun, 'place'>[], devices: readonly KnownDevice[], selection: readonly string[]): readonly ShownPlace[] {
  const byKey = new Map<string, ShownPlace>();
  for (const { place } of runs) {
    if (byKey.has(place.key)) continue;
    const device = devices.find((d) => d.uuid === place.key);
    byKey.set(place.key, { key: place.key, name: formatDeviceName(plainText(device?.name ?? place.name)), index: device?.index ?? null });
  }
  const rank = (p: ShownPlace): number => p.index ?? (p.key === CPU ? 1e6 : 2e6);
  const all = [...byKey.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  const chosen = all.filter((p) => selection.includes(p.key));
  return chosen.length > 0 ? chosen : all;
}

/** The run that stands for each place: the open one for its own, else the newest that has figures or is coming to them. `runs`: newest first. Pure. */
export function decideShownRuns(runs: readonly BenchmarkRun[], places: readonly ShownPlace[], open: BenchmarkRun | null): ReadonlyMap<string, BenchmarkRun> {
  const shown = new Map<string, BenchmarkRun>();
  for (const { key } of places) {
    const run = open?.place.key === key ? open : runs.find((r) => r.place.key === key && (r.state === 'running' || r.results.some((x) => x.median !== null))) ?? runs.find((r) => r.place.key === key);
    if (run !== undefined) shown.set(key, run);
  }
  return shown;
}
