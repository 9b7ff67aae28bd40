import type { PastRun } from '../../../contract/benchmarks.ts';
import { plainText } from '../../ui/plain-text.ts';

/** Points that are drawn; older ones stay in the engine. */
const MOST_POINTS = 400;
/** Changes that are named in the chart; older ones are lines without a name. */
const MOST_NAMED = 8;

/** One case over time; a model is a case of its own. */
export interface HistorySeries {
  readonly key: string;
  readonly caseId: string;
  readonly modelId: string | null;
  readonly text: string;
}

export interface HistoryPoint {
  readonly atMs: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly unit: string;
  readonly runId: string;
}

export interface HistoryEvent {
  /** Between the run before and the run after. */
  readonly atMs: number;
  readonly kind: 'driver' | 'torch' | 'engine';
  readonly text: string;
  /** Row of its name above the plot; null: a line alone. */
  readonly row: 0 | 1 | null;
}

export interface HistoryLine {
  readonly points: readonly HistoryPoint[];
  readonly events: readonly HistoryEvent[];
  /** The last run before the newest change, and the newest: which of the two is better is the engine's to say. */
  readonly turn: { readonly before: string; readonly after: string; readonly sinceMs: number } | null;
  readonly left: number;
}

const keyOf = (caseId: string, modelId: string | null): string => JSON.stringify([caseId, modelId]);

/** The cases that have figures at a place, most measured first within the order of the runs. Pure. */
export function listSeries(runs: readonly PastRun[], place: string): readonly HistorySeries[] {
  const byKey = new Map<string, { series: HistorySeries; count: number }>();
  for (const run of runs) {
    if (run.place.key !== place) continue;
    for (const result of run.figures) {
      const key = keyOf(result.caseId, run.model?.id ?? null);
      const known = byKey.get(key);
      if (known !== undefined) known.count += 1;
      else byKey.set(key, { count: 1, series: { key, caseId: result.caseId, modelId: run.model?.id ?? null, text: [result.title, run.model === null ? null : plainText(run.model.name)].filter((w) => w !== null).join(', ') } });
    }
  }
  return [...byKey.values()].sort((a, b) => b.count - a.count).map((s) => s.series);
}

interface Identity {
  readonly driver: string | null;
  readonly torch: string | null;
  readonly engine: string | null;
}
const kinds = ['driver', 'torch', 'engine'] as const;
const kindWords: Readonly<Record<HistoryEvent['kind'], string>> = { driver: 'driver', torch: 'torch', engine: 'llama.cpp' };

/** One case at one place over time, with what changed between its runs. Pure. */
export function decideHistoryLine(runs: readonly PastRun[], place: string, series: HistorySeries): HistoryLine {
  const all = runs
    .filter((r) => r.place.key === place && (r.model?.id ?? null) === series.modelId && r.state !== 'running')
    .flatMap((run) => {
      const result = run.figures.find((x) => x.caseId === series.caseId);
      if (result === undefined) return [];
      const identity: Identity = { driver: run.driverVersion, torch: run.environment?.torch ?? null, engine: run.model?.release ?? null };
      const point: HistoryPoint = { atMs: run.startedAtMs, value: result.median, low: result.low ?? result.median, high: result.high ?? result.median, unit: result.unit, runId: run.id };
      return [{ point, identity }];
    })
    .sort((a, b) => a.point.atMs - b.point.atMs);
  const kept = all.slice(-MOST_POINTS);
  const changes: { readonly event: Omit<HistoryEvent, 'row'>; readonly at: number }[] = [];
  // What a run does not tell is neither a change nor the end of what was known.
  let known: Identity = { driver: null, torch: null, engine: null };
  kept.forEach(({ point, identity }, at) => {
    const before = kept[at - 1];
    for (const kind of kinds) {
      const now = identity[kind];
      if (now !== null && known[kind] !== null && now !== known[kind] && before !== undefined) changes.push({ at, event: { atMs: (before.point.atMs + point.atMs) / 2, kind, text: `${kindWords[kind]} ${plainText(now)}` } });
    }
    known = { driver: identity.driver ?? known.driver, torch: identity.torch ?? known.torch, engine: identity.engine ?? known.engine };
  });
  const last = changes.at(-1);
  const before = last === undefined ? undefined : kept[last.at - 1]?.point;
  const first = last === undefined ? undefined : kept[last.at]?.point;
  const newest = kept.at(-1)?.point;
  return {
    points: kept.map((k) => k.point),
    events: changes.map(({ event }, i) => ({ ...event, row: i < changes.length - MOST_NAMED ? null : i % 2 === 0 ? 0 : 1 })),
    turn: before === undefined || first === undefined || newest === undefined ? null : { before: before.runId, after: newest.runId, sinceMs: first.atMs },
    left: all.length - kept.length,
  };
}

/** A domain that shows the intervals without pressing them to the edge; never a single value. Pure. */
export function decideValueDomain(points: readonly Pick<HistoryPoint, 'low' | 'high'>[]): readonly [number, number] {
  if (points.length === 0) return [0, 1];
  const low = Math.min(...points.map((p) => p.low));
  const high = Math.max(...points.map((p) => p.high));
  // At least two percent of the value: noise is not to look like a change.
  const room = Math.max((high - low) * 0.15, Math.abs(high) * 0.02, Number.EPSILON);
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** Round numbers within a domain, three to six of them. Pure. */
export function decideValueTicks([low, high]: readonly [number, number]): readonly number[] {
  const rough = (high - low) / 5;
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5].map((n) => n * power).find((n) => n >= rough * (1 - 1e-9)) ?? 10 * power;
  const from = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - from + 1 }, (_, i) => Number(((from + i) * step).toPrecision(12)));
}

/** Moments for the axis: at most `count`, evenly apart, ends within. Pure. */
export function decideTimeTicks(fromMs: number, toMs: number, count: number): readonly number[] {
  if (!(toMs > fromMs) || count < 2) return [fromMs];
  return Array.from({ length: count }, (_, i) => fromMs + ((toMs - fromMs) * i) / (count - 1));
}
