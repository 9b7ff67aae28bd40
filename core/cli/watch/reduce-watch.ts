import type { Alert } from '../../../contract/alerts.ts';
import type { GpuFrame, GpuProcess, Inventory, TerminatePlan } from '../../../contract/gpu.ts';
import type { Problem } from '../../../contract/problem.ts';
import { joinSamples } from '../read-devices.ts';
import type { Key } from './parse-keys.ts';
import { addToTrail, joinTrails, type Trail } from './trail.ts';
import { listProcesses, processKey, ranges, sortKeys, type WatchState } from './watch-state.ts';

export type WatchEvent =
  | { readonly type: 'key'; readonly key: Key }
  | { readonly type: 'size'; readonly columns: number; readonly rows: number }
  | { readonly type: 'time'; readonly nowMs: number }
  | { readonly type: 'connected' }
  | { readonly type: 'lost'; readonly problem: Problem }
  | { readonly type: 'inventory'; readonly inventory: Inventory }
  | { readonly type: 'frame'; readonly frame: GpuFrame }
  | { readonly type: 'stored'; readonly trails: ReadonlyMap<string, Trail> }
  | { readonly type: 'processes'; readonly processes: readonly GpuProcess[] }
  | { readonly type: 'alerts'; readonly alerts: readonly Alert[] }
  | { readonly type: 'planned'; readonly plan: TerminatePlan }
  | { readonly type: 'terminated'; readonly plan: TerminatePlan }
  | { readonly type: 'refused'; readonly problem: Problem };

/** What the world shall do; the reducer itself touches nothing. */
export type WatchEffect =
  | { readonly type: 'quit' }
  | { readonly type: 'suspend' }
  | { readonly type: 'redraw' }
  | { readonly type: 'plan'; readonly process: GpuProcess; readonly signal: 'TERM' | 'KILL' }
  | { readonly type: 'apply'; readonly plan: TerminatePlan };

export interface WatchStep {
  readonly state: WatchState;
  readonly effects: readonly WatchEffect[];
}

const NOTICE_MS = 5000;
const stay = (state: WatchState): WatchStep => ({ state, effects: [] });
const notice = (state: WatchState, text: string): WatchState => ({ ...state, notice: { text, untilMs: state.nowMs + NOTICE_MS } });

function reduceFrame(state: WatchState, frame: GpuFrame): WatchState {
  const samples = new Map(state.samples);
  const trails = new Map(state.trails);
  for (const sample of frame.samples) {
    samples.set(sample.uuid, joinSamples(samples.get(sample.uuid), sample));
    if (sample.fast) trails.set(sample.uuid, addToTrail(trails.get(sample.uuid) ?? [], frame.atMs, sample.fast));
  }
  // A stopped picture keeps its numbers, but collects what happens meanwhile.
  return state.pausedAtMs === null ? { ...state, samples, trails } : { ...state, trails };
}

/** The process that `t` would end, or why none. */
function chooseProcess(state: WatchState, signal: 'TERM' | 'KILL'): WatchStep {
  const process = listProcesses(state).find((p) => processKey(p) === state.selected);
  if (!process) return stay(notice(state, 'Choose a process with ↑ and ↓ first.'));
  if (process.canTerminate) return { state, effects: [{ type: 'plan', process, signal }] };
  return stay({ ...state, dialog: { kind: 'message', level: 'attention', title: `Process ${String(process.pid)} cannot be ended from here`, text: process.whyNot ?? 'The engine does not say why.' } });
}

function moveSelection(state: WatchState, by: number): WatchState {
  const list = listProcesses(state).map(processKey);
  if (list.length === 0) return { ...state, selected: null };
  const at = state.selected === null ? -1 : list.indexOf(state.selected);
  const next = Math.min(list.length - 1, Math.max(0, at < 0 && by < 0 ? list.length + by : at + by));
  return { ...state, selected: list[next] ?? null };
}

function nextGpu(state: WatchState): WatchState {
  const uuids = (state.inventory?.devices ?? []).map((d) => d.uuid);
  const at = state.onlyUuid === null ? -1 : uuids.indexOf(state.onlyUuid);
  return { ...state, onlyUuid: uuids[at + 1] ?? null };
}

function reduceDialogKey(state: WatchState, key: Key): WatchStep {
  const { dialog } = state;
  const closed = { ...state, dialog: null };
  if (key === 'ctrl-c') return { state: closed, effects: [{ type: 'quit' }] };
  if (dialog?.kind !== 'confirm') return stay(['escape', 'enter', 'char:q', 'char:?', 'char: '].includes(key) ? closed : state);
  if (key === 'escape' || key === 'char:n' || key === 'char:q') return stay(closed);
  if (key === 'left' || key === 'right' || key === 'tab') return stay({ ...state, dialog: { ...dialog, choice: dialog.choice === 'keep' ? 'end' : 'keep' } });
  if (key === 'char:y' || (key === 'enter' && dialog.choice === 'end')) return { state: closed, effects: [{ type: 'apply', plan: dialog.plan }] };
  return stay(key === 'enter' ? closed : state);
}

function reduceKey(state: WatchState, key: Key): WatchStep {
  if (key === 'ctrl-z') return { state, effects: [{ type: 'suspend' }] };
  if (key === 'ctrl-l') return { state, effects: [{ type: 'redraw' }] };
  if (state.dialog) return reduceDialogKey(state, key);
  switch (key) {
    case 'ctrl-c': case 'char:q': return { state, effects: [{ type: 'quit' }] };
    case 'up': case 'char:k': return stay(moveSelection(state, -1));
    case 'down': case 'char:j': return stay(moveSelection(state, 1));
    case 'page-up': return stay(moveSelection(state, -10));
    case 'page-down': return stay(moveSelection(state, 10));
    case 'home': return stay(moveSelection(state, -10_000));
    case 'end': return stay(moveSelection(state, 10_000));
    case 'escape': return stay({ ...state, selected: null, onlyUuid: null });
    case 'char:g': return stay(nextGpu(state));
    case 'char:s': {
      const sort = sortKeys[(sortKeys.indexOf(state.sort) + 1) % sortKeys.length] ?? 'memory';
      return stay(notice({ ...state, sort }, `Sorted by ${{ memory: 'memory', sm: 'SM use', gpu: 'GPU', pid: 'process number', running: 'running time' }[sort]}.`));
    }
    case 'char:r': return stay({ ...state, rangeIndex: (state.rangeIndex + 1) % ranges.length });
    case 'char:p': case 'char: ': return stay({ ...state, pausedAtMs: state.pausedAtMs === null ? state.nowMs : null });
    case 'char:t': case 'char:T': return chooseProcess(state, 'TERM');
    case 'char:K': return chooseProcess(state, 'KILL');
    case 'char:?': case 'char:h': return stay({ ...state, dialog: { kind: 'help' } });
    default: return stay(state);
  }
}

/** The next state, and what is to be done. Pure. */
export function reduceWatch(state: WatchState, event: WatchEvent): WatchStep {
  switch (event.type) {
    case 'key': return reduceKey(state, event.key);
    case 'size': return stay({ ...state, columns: event.columns, rows: event.rows });
    case 'time': return stay({ ...state, nowMs: event.nowMs, notice: state.notice && state.notice.untilMs <= event.nowMs ? null : state.notice });
    case 'connected': return stay({ ...state, connection: 'live', connectionProblem: null });
    case 'lost': return stay({ ...state, connection: 'lost', connectionProblem: event.problem });
    case 'inventory': {
      const known = new Set(event.inventory.devices.map((d) => d.uuid));
      return stay({ ...state, inventory: event.inventory, onlyUuid: state.onlyUuid !== null && known.has(state.onlyUuid) ? state.onlyUuid : null });
    }
    case 'frame': return stay(reduceFrame(state, event.frame));
    case 'stored': return stay({ ...state, trails: new Map([...state.trails, ...[...event.trails].map(([uuid, stored]) => [uuid, joinTrails(stored, state.trails.get(uuid) ?? [])] as const)]) });
    case 'processes': {
      if (state.pausedAtMs !== null) return stay(state);
      return stay({ ...state, processes: event.processes, selected: event.processes.some((p) => processKey(p) === state.selected) ? state.selected : null });
    }
    case 'alerts': return stay({ ...state, alerts: event.alerts });
    case 'planned': return stay({ ...state, dialog: { kind: 'confirm', plan: event.plan, choice: 'keep' } });
    case 'terminated': return stay(notice(state, `Process ${String(event.plan.pid)} was asked to end (${event.plan.signal}).`));
    case 'refused': return stay({ ...state, dialog: { kind: 'message', level: 'problem', title: event.problem.title, text: `${event.problem.cause} ${event.problem.remedy}`.trim() } });
  }
}
