import type { BenchmarkInfo, BenchmarkOutlook, BenchmarkResult, BenchmarkRun, CanaryState, ComparedRow, RunComparison } from '../../contract/benchmarks.ts';
import { cleanText } from './display-width.ts';
import { formatDateTime, formatDuration, formatThree, formatWatts, NOT_REPORTED } from './format-values.ts';
import { renderTable } from './text-table.ts';

/** A processor's figure is often a small part of a TFLOPS. */
const figure = (value: number | null): string => (value === null ? NOT_REPORTED : Math.abs(value) < 1 && value !== 0 ? String(Number(value.toPrecision(3))) : formatThree(value));
const marks: Readonly<Record<BenchmarkResult['marks'][number], string>> = { power_capped: 'power cap', throttled: 'throttled', disturbed: 'disturbed', unsteady: 'unsteady', few_samples: 'few samples' };

/** What there is, and whether it runs on this machine: where, with what, else why not. */
export function renderBenchmarks(list: readonly BenchmarkInfo[], outlook: readonly BenchmarkOutlook[], room: number | null): readonly string[] {
  const here = (name: string): BenchmarkOutlook | undefined => outlook.find((one) => one.name === name);
  const table = renderTable(
    [{ title: 'name' }, { title: 'here' }, { title: 'cases', align: 'right', dropOrder: 2 }, { title: 'about', align: 'right', dropOrder: 1 }, { title: 'measures', shrinkTo: 30 }],
    list.map((one) => [one.name, here(one.name)?.with == null ? 'no' : here(one.name)?.place?.key === 'cpu' ? 'processor' : 'GPU', String(one.cases.length), formatDuration(one.aboutSeconds), cleanText(one.what)]), room,
  );
  // What is said of several is said once.
  const said = new Map<string, string[]>();
  for (const one of outlook) {
    const words = one.with === null ? `not here: ${cleanText(one.why ?? 'it is not known why.')}` : `on ${cleanText(one.place?.name ?? 'this machine')}, with ${cleanText(one.with)}.`;
    said.set(words, [...(said.get(words) ?? []), one.name]);
  }
  return [...table, '', ...[...said].map(([words, names]) => `${names.join(', ')}: ${words}`)];
}

/** Where, with what, when; then a line for each figure. */
export function renderRun(run: BenchmarkRun, room: number | null): readonly string[] {
  const torch = run.environment?.torch == null ? '' : `, torch ${run.environment.torch}`;
  const subject = run.environment === null ? (run.model === null ? '' : `, ${cleanText(run.model.name)}, ${cleanText(run.model.backend)}`) : `, ${cleanText(run.environment.name)}${torch}`;
  const head = `${cleanText(run.title)} on ${cleanText(run.place.name)}${run.place.key === 'cpu' ? ' (processor)' : ''}${subject}${run.driverVersion === null ? '' : `, driver ${run.driverVersion}`}`;
  const rows = run.results.map((one) => one.problem === null
    ? [cleanText(one.title), figure(one.median), one.low === null || one.high === null ? NOT_REPORTED : `${figure(one.low)} to ${figure(one.high)}`, one.unit, one.peakShare === null ? NOT_REPORTED : `${(100 * one.peakShare).toFixed(0)} %`, formatWatts(one.powerWatts), String(one.n), [...one.marks.map((mark) => marks[mark]), ...(one.setAside > 0 ? [`${String(one.setAside)} set aside`] : [])].join(', ')]
    : [cleanText(one.title), 'could not run', '', '', '', '', '', cleanText(one.problem.cause)]);
  return [
    head, '',
    ...renderTable([{ title: 'case' }, { title: 'median', align: 'right' }, { title: '95 % interval', align: 'right' }, { title: 'unit' }, { title: 'of peak', align: 'right', dropOrder: 1 }, { title: 'power', align: 'right', dropOrder: 2 }, { title: 'n', align: 'right', dropOrder: 3 }, { title: 'notes', shrinkTo: 12 }], rows, room),
    ...(run.notes.length === 0 ? [] : ['', ...run.notes.map(cleanText)]),
    '', `Run ${run.id}, ${formatDateTime(run.startedAtMs)}.`,
  ];
}

export function renderHistory(runs: readonly BenchmarkRun[], room: number | null): readonly string[] {
  if (runs.length === 0) return ['Nothing has been measured yet. "warpdeck bench ls" lists what can be.'];
  return renderTable(
    [{ title: 'run' }, { title: 'when' }, { title: 'benchmark' }, { title: 'on', shrinkTo: 10 }, { title: 'with', shrinkTo: 10, dropOrder: 1 }, { title: 'state' }, { title: 'first figure', align: 'right', dropOrder: 2 }],
    runs.map((run) => {
      const first = run.results.find((one) => one.median !== null);
      return [run.id, formatDateTime(run.startedAtMs), run.name, cleanText(run.place.name), cleanText(run.environment === null ? (run.model?.name ?? '') : `${run.environment.name}${run.environment.torch === null ? '' : `, torch ${run.environment.torch}`}`), run.state, first === undefined ? NOT_REPORTED : `${cleanText(first.title)} ${figure(first.median)} ${first.unit}`];
    }), room,
  );
}

const words: Readonly<Record<ComparedRow['word'], string>> = { faster: 'faster', slower: 'slower', no_difference: 'no difference', cannot_tell: 'cannot tell', not_comparable: 'not comparable' };
const percent = (ratio: number | null): string => (ratio === null ? NOT_REPORTED : `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(1)} %`);

export function renderRows(rows: readonly ComparedRow[], room: number | null): readonly string[] {
  return renderTable(
    [{ title: 'case' }, { title: 'A', align: 'right' }, { title: 'B', align: 'right' }, { title: 'unit' }, { title: 'change', align: 'right' }, { title: '95 % interval', align: 'right', dropOrder: 1 }, { title: 'in words' }],
    rows.map((one) => [cleanText(one.title), figure(one.a), figure(one.b), one.unit, percent(one.ratio), one.low === null || one.high === null ? NOT_REPORTED : `${percent(one.low)} to ${percent(one.high)}`, words[one.word]]), room,
  );
}

export function renderComparison(comparison: RunComparison, room: number | null): readonly string[] {
  const name = (run: BenchmarkRun): string => `${run.id}, ${formatDateTime(run.startedAtMs)}, ${cleanText(run.place.name)}`;
  return [
    `A: ${name(comparison.a)}`, `B: ${name(comparison.b)}`, '', ...renderRows(comparison.rows, room), '', cleanText(comparison.sentence),
    ...comparison.differ.map((one) => `${cleanText(one.what)}: ${cleanText(one.a)} (A), ${cleanText(one.b)} (B).`),
  ];
}

export function renderCanary(state: CanaryState, room: number | null): readonly string[] {
  return [cleanText(state.sentence), ...(state.rows.length === 0 ? [] : ['', ...renderRows(state.rows, room)]), ...(state.atMs === null ? [] : ['', `${formatDateTime(state.atMs)}${state.place === null ? '' : `, ${cleanText(state.place.name)}`}${state.because === null ? '' : `, because of ${cleanText(state.because)}`}.`])];
}
