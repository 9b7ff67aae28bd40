import type { BenchmarkDetail, BenchmarkResult } from '../../../contract/benchmarks.ts';
import { formatFigure } from '../runner/run-benchmark.ts';

const WIDTH = 880;
const ROW = 34;
const TOP = 118;
const BAR_FROM = 290;
const BAR_TO = 590;
const MOST_ROWS = 40;

/**
 * A run as a picture to share: bars with their 95 % interval, drawn to a common scale for each unit. Self-contained:
 * fonts of the viewer, no script, nothing that is fetched. Colours keep 4.5 : 1 against their ground.
 */
export function makeCard(detail: BenchmarkDetail): string {
  const rows = detail.results.slice(0, MOST_ROWS);
  const left = detail.results.length - rows.length;
  const height = TOP + rows.length * ROW + (left > 0 ? 24 : 0) + 56;
  const day = new Date(detail.startedAtMs).toISOString().slice(0, 10);
  const with_ = [
    detail.driverVersion === null ? null : `driver ${detail.driverVersion}`, detail.environment?.torch == null ? null : `PyTorch ${detail.environment.torch}`,
    detail.model === null ? null : `${detail.model.name}, ${detail.model.backend}`, detail.importedFrom === null ? null : `from ${detail.importedFrom}`,
  ].flatMap((one) => one ?? []).join(' · ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="14" fill="#1b1f24">`,
    `<title>${clean(`${detail.title} on ${detail.place.name}, ${day}`, 200)}</title>`,
    `<rect width="${WIDTH}" height="${height}" rx="10" fill="#fbfcfa" stroke="#d6d9d2"/>`,
    `<text x="32" y="46" font-size="22" font-weight="600">${clean(detail.title, 50)}</text>`,
    `<text x="32" y="72" font-size="15">${clean(detail.place.name, 70)}</text>`,
    `<text x="32" y="94" font-size="12" fill="#57606a">${clean([day, with_].filter((one) => one !== '').join(' · '), 120)}</text>`,
    ...rows.map((one, at) => drawRow(one, TOP + at * ROW, scaleFor(one, detail.results))),
    ...(left > 0 ? [`<text x="32" y="${TOP + rows.length * ROW + 16}" font-size="12" fill="#57606a">and ${left} more</text>`] : []),
    `<text x="32" y="${height - 22}" font-size="12" fill="#57606a">Median with 95 % interval. Measured with Warpdeck.</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/** The largest value of a unit fills the width. */
function scaleFor(one: BenchmarkResult, all: readonly BenchmarkResult[]): (value: number) => number {
  const most = Math.max(...all.filter((other) => other.unit === one.unit).map((other) => other.high ?? other.median ?? 0));
  return (value) => (most > 0 ? BAR_FROM + Math.min(1, Math.max(0, value / most)) * (BAR_TO - BAR_FROM) : BAR_FROM);
}

function drawRow(one: BenchmarkResult, y: number, scale: (value: number) => number): string {
  const middle = y + ROW / 2;
  const label = `<text x="32" y="${middle + 5}">${clean(one.title, 32)}</text>`;
  if (one.median === null) return `${label}<text x="${BAR_FROM}" y="${middle + 5}" fill="#57606a">${clean(one.problem?.title ?? 'not measured', 60)}</text>`;
  const end = scale(one.median);
  const bar = `<rect x="${BAR_FROM}" y="${middle - 7}" width="${fixed(end - BAR_FROM)}" height="14" fill="#0f766e"/>`;
  const share = one.peakShare === null ? '' : `<text x="${WIDTH - 32}" y="${middle + 5}" text-anchor="end" fill="#57606a">${(one.peakShare * 100).toFixed(0)} % of peak</text>`;
  return `${label}${bar}${drawInterval(one, middle, scale)}<text x="${BAR_TO + 160}" y="${middle + 5}" text-anchor="end" font-weight="600">${clean(`${formatFigure(one.median)} ${one.unit}`, 24)}</text>${share}`;
}

function drawInterval({ low, high }: BenchmarkResult, middle: number, scale: (value: number) => number): string {
  if (low === null || high === null) return '';
  const [from, to] = [fixed(scale(low)), fixed(scale(high))];
  return `<path d="M${from} ${middle - 9}V${middle + 9}M${to} ${middle - 9}V${middle + 9}M${from} ${middle}H${to}" stroke="#1b1f24" stroke-width="1.5" fill="none"/>`;
}

const fixed = (value: number): string => value.toFixed(1);

/** Text for XML: characters that it does not allow are left out. */
function clean(text: string, most: number): string {
  const short = [...text].length > most ? `${[...text].slice(0, most - 1).join('')}…` : text;
  return [...short].filter((c) => c >= ' ' && !(c >= '\u007f' && c <= '\u009f') && !(c >= '\ud800' && c <= '\udfff' && c.length === 1) && c !== '\ufffe' && c !== '\uffff').join('')
    .replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
