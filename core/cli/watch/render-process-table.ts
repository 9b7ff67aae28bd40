import type { GpuProcess } from '../../../contract/gpu.ts';
import { cleanText, displayWidth, fitText } from '../display-width.ts';
import { describeProcess } from '../describe-process.ts';
import { formatDuration, formatGib, formatPercent, NOT_REPORTED } from '../format-values.ts';
import { cutLine, fitLine, gpuStyle, lineText, span, type Line, type Span } from './line.ts';
import { listProcesses, processKey, type WatchState } from './watch-state.ts';

interface ProcessLayout {
  readonly user: number;
  readonly command: number;
  readonly environment: number;
  readonly verdict: number;
  readonly running: number;
}

const GPU = 3;
const PID = 7;
const MEMORY = 9;
const SM = 5;
const RUNNING = 9;
const GAP = 2;
const LEAST_COMMAND = 24;

/** Columns that give way until the command has room; the command takes what is left. Pure. */
export function decideProcessLayout(room: number, needs: { readonly user: number; readonly environment: number; readonly verdict: number }): ProcessLayout {
  let layout: ProcessLayout = { ...needs, running: RUNNING, command: 0 };
  const rest = (l: ProcessLayout): number => {
    const others = [GPU, PID, l.user, l.environment, l.verdict, MEMORY, SM, l.running].filter((w) => w > 0);
    return room - 1 - others.reduce((a, b) => a + b, 0) - others.length * GAP;
  };
  const steps: readonly ((l: ProcessLayout) => ProcessLayout)[] = [(l) => ({ ...l, verdict: 0 }), (l) => ({ ...l, environment: 0 }), (l) => ({ ...l, running: 0 }), (l) => ({ ...l, user: 0 })];
  for (const step of steps) {
    if (rest(layout) >= LEAST_COMMAND) break;
    layout = step(layout);
  }
  return { ...layout, command: Math.max(8, rest(layout)) };
}

function joinCells(cells: readonly (Span | null)[]): Line {
  const kept = cells.filter((c) => c !== null);
  return [span(' '), ...kept.flatMap((c, i) => (i === 0 ? [c] : [span(' '.repeat(GAP)), c]))];
}

const cell = (text: string, width: number, align: 'left' | 'right' = 'left'): Span | null => (width === 0 ? null : span(fitText(text, width, align)));
const orDash = (text: string | null): string => (text === null || text === '' ? NOT_REPORTED : cleanText(text));

function renderProcess(process: GpuProcess, index: number | null, l: ProcessLayout, nowMs: number): Line {
  return joinCells([
    span(fitText(index === null ? NOT_REPORTED : String(index), GPU, 'right'), index === null ? 'quiet' : gpuStyle(index)), cell(String(process.pid), PID, 'right'), cell(orDash(process.user), l.user),
    cell(describeProcess(process), l.command), cell(orDash(process.environment), l.environment), cell(orDash(process.torchVerdict), l.verdict),
    cell(formatGib(process.memUsedBytes), MEMORY, 'right'), cell(formatPercent(process.utilSmPercent), SM, 'right'),
    cell(process.startedAtMs === null ? NOT_REPORTED : formatDuration((nowMs - process.startedAtMs) / 1000), l.running, 'right'),
  ]);
}

/** The part of a list that is seen so that the chosen row is in it. */
export function decideWindow(count: number, chosen: number, rows: number): { readonly from: number; readonly to: number } {
  const from = Math.max(0, Math.min(chosen < 0 ? 0 : chosen - Math.floor(rows / 2), count - rows));
  return { from, to: Math.min(count, from + rows) };
}

/** The table of processes in at most `rows` lines, heading included. */
export function renderProcessTable(state: WatchState, rows: number): readonly Line[] {
  if (rows < 2 || !state.inventory) return [];
  const list = listProcesses(state);
  const most = (texts: readonly (string | null)[], least: number, limit: number): number => {
    const known = texts.filter((t) => t !== null && t !== '');
    return known.length === 0 ? 0 : Math.min(limit, Math.max(least, ...known.map((t) => displayWidth(t ?? ''))));
  };
  // Columns that no process fills are left out: dashes from top to bottom say nothing.
  const layout = decideProcessLayout(state.columns, { user: most(list.map((p) => p.user), 6, 12), environment: most(list.map((p) => p.environment), 11, 20), verdict: most(list.map((p) => p.torchVerdict), 8, 16) });
  const title = (name: string, key: string): string => (state.sort === key ? `${name}▾` : name);
  const header = joinCells([
    cell(title('GPU', '').slice(0, 3), GPU, 'right'), cell(title('PID', 'pid'), PID, 'right'), cell('USER', layout.user), cell('COMMAND', layout.command), cell('ENVIRONMENT', layout.environment), cell('TORCH', layout.verdict),
    cell(title('MEMORY', 'memory'), MEMORY, 'right'), cell(title('SM', 'sm'), SM, 'right'), cell(title('RUNNING', 'running'), layout.running, 'right'),
  ]).map((s) => ({ ...s, style: 'quiet' as const }));
  if (list.length === 0) return [header, [span('      No process is on a GPU.', 'quiet')]].map((line) => cutLine(line, state.columns));
  const indexes = new Map(state.inventory.devices.map((d) => [d.uuid, d.index]));
  const space = list.length > rows - 1 ? rows - 2 : rows - 1;
  const { from, to } = decideWindow(list.length, list.findIndex((p) => processKey(p) === state.selected), Math.max(1, space));
  const nowMs = state.pausedAtMs ?? state.nowMs;
  const lines = list.slice(from, to).map((p) => {
    const line = fitLine(renderProcess(p, indexes.get(p.gpuUuid) ?? null, layout, nowMs), state.columns);
    return processKey(p) === state.selected ? [span(lineText(line), 'selected')] : line;
  });
  const hidden = list.length - (to - from);
  return [header, ...lines, ...(hidden > 0 && rows >= 3 ? [[span(`      … ${String(hidden)} more`, 'quiet')]] : [])].map((line) => cutLine(line, state.columns));
}
