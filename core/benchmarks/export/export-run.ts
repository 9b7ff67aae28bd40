import type { BenchmarkDetail, BenchmarkResult } from '../../../contract/benchmarks.ts';
import { withoutSamples } from '../compare/compare-runs.ts';
import { makeCsv, type Cell } from '../../system/make-csv.ts';
import { formatFigure } from '../runner/run-benchmark.ts';
import { makeCard } from './make-card.ts';

export type ExportFormat = 'jsonl' | 'markdown' | 'csv' | 'svg';
const endings: Readonly<Record<ExportFormat, string>> = { jsonl: 'jsonl', markdown: 'md', csv: 'csv', svg: 'svg' };

/** A run as a file of text. JSON lines and CSV hold every sample; Markdown and the card what is read by people. */
export function exportRun(detail: BenchmarkDetail, format: ExportFormat): { fileName: string; text: string } {
  const makers: Readonly<Record<ExportFormat, (run: BenchmarkDetail) => string>> = { jsonl: makeJsonLines, markdown: makeMarkdown, csv: makeSampleTable, svg: makeCard };
  const safe = `${detail.name}-${detail.place.key === 'cpu' ? 'cpu' : detail.place.name}`.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 60).replace(/-$/, '');
  return { fileName: `${safe}-${dayOf(detail.startedAtMs)}.${endings[format]}`, text: makers[format](detail) };
}

/** First line: the run; then a line for each sample. */
function makeJsonLines(detail: BenchmarkDetail): string {
  const lines: unknown[] = [{ schemaVersion: 1, type: 'run', ...withoutSamples(detail) }];
  for (const [caseId, samples] of Object.entries(detail.samples)) for (const one of samples) lines.push({ type: 'sample', caseId, ...one });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function makeSampleTable(detail: BenchmarkDetail): string {
  const rows: Cell[][] = [['run', 'benchmark', 'place', 'case', 'title', 'unit', 'value', 'at', 'seconds', 'power_watts', 'sm_clock_mhz', 'temperature_celsius', 'event_reasons', 'set_aside']];
  for (const { caseId, title, unit } of detail.results) {
    for (const one of detail.samples[caseId] ?? []) {
      rows.push([detail.id, detail.name, detail.place.name, caseId, title, unit, one.value, new Date(one.atMs).toISOString(), one.seconds, one.powerWatts, one.smClockMhz, one.tempCelsius, one.eventReasons, one.setAside]);
    }
  }
  return makeCsv(rows);
}

function makeMarkdown(detail: BenchmarkDetail): string {
  const facts = [
    ['Place', detail.place.name], ['Driver', detail.driverVersion], ['PyTorch', detail.environment?.torch], ['CUDA', detail.environment?.cuda], ['Python', detail.environment?.python],
    ['Model', detail.model?.name], ['Backend', detail.model?.backend], ['llama.cpp', detail.model?.release], ['State', detail.state === 'done' ? null : detail.state],
  ].flatMap(([name, value]) => (value === null || value === undefined ? [] : [`- ${name}: ${escape(value)}`]));
  const head = '| case | median | 95 % interval | unit | samples | set aside | of peak | at clock | J per unit | error | marks |\n| --- | --: | --- | --- | --: | --: | --: | --: | --: | --: | --- |';
  const notes = detail.notes.map((one) => `- ${escape(one)}`);
  return [`# ${escape(detail.title)}, ${dayOf(detail.startedAtMs)}`, '', ...facts, '', head, ...detail.results.map(makeMarkdownRow), ...(notes.length > 0 ? ['', ...notes] : []), ''].join('\n');
}

function makeMarkdownRow(one: BenchmarkResult): string {
  const number = (value: number | null): string => (value === null ? '—' : formatFigure(value));
  const percent = (value: number | null): string => (value === null ? '—' : `${(value * 100).toFixed(0)} %`);
  const range = one.low === null || one.high === null ? '—' : `${number(one.low)} to ${number(one.high)}`;
  const last = one.problem === null ? one.marks.join(', ') : one.problem.title;
  return `| ${[one.title, number(one.median), range, one.unit, String(one.n), String(one.setAside), percent(one.peakShare), percent(one.peakShareAtClock), number(one.joulesPerUnit), number(one.error), last].map(escape).join(' | ')} |`;
}

/** Names come from outside: they neither begin a table cell nor a link nor a tag. */
const escape = (text: string): string => text.replace(/[\r\n]+/g, ' ').replace(/[\\|<>[\]`*_]/g, (c) => `\\${c}`);

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
