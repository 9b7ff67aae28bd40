import { decodeThrottle, throttleKind } from '../../../contract/throttle.ts';
import { cleanText } from '../display-width.ts';
import { formatClock, formatMhz, shortDeviceName } from '../format-values.ts';
import { cutLine, overlayLine, span, spreadLine, type Line, type Style } from './line.ts';
import { renderDialog, wrapText } from './render-dialog.ts';
import { renderGpuTable } from './render-gpu-table.ts';
import { renderProcessTable } from './render-process-table.ts';
import { countTrailLines, renderTrails, trailDevices, type TrailDetail } from './render-trails.ts';
import { listProcesses, type WatchState } from './watch-state.ts';

function renderHeader(state: WatchState): Line {
  const { inventory, columns } = state;
  const right: Line = state.connection === 'lost' ? [span('no engine, trying again', 'problem'), span(` · ${formatClock(state.nowMs)} `)]
    : state.pausedAtMs !== null ? [span(`stopped at ${formatClock(state.pausedAtMs)} `, 'attention')]
    : [span(`${columns >= 60 ? `every ${(state.intervalMs / 1000).toFixed(1)} s · ` : ''}${formatClock(state.nowMs)} `, 'quiet')];
  const left = [span(' Warpdeck', 'title'), span(`  ${cleanText(state.hostName)}`)];
  if (inventory) {
    // That devices are not this machine's is said first: it must not be what a narrow window cuts off.
    if (inventory.simulated) left.push(span(' · '), span(inventory.source === 'replay' ? 'replayed' : 'simulated', 'attention'));
    const count = inventory.devices.length;
    left.push(span(` · ${String(count)} ${count === 1 ? 'device' : 'devices'}`));
    if (inventory.driver.driverVersion !== null && inventory.source !== 'simulate') left.push(span(` · driver ${cleanText(inventory.driver.driverVersion)}`));
    if (inventory.driver.cudaVersion !== null) left.push(span(` · CUDA ${cleanText(inventory.driver.cudaVersion)}`));
  }
  return spreadLine(left, right, columns);
}

/** The one sentence at the bottom: what just happened, else the most serious thing that stands. */
export function decideNotice(state: WatchState): { readonly text: string; readonly style: Style } | null {
  if (state.notice) return { text: state.notice.text, style: 'accent' };
  if (state.connectionProblem) return { text: `✕ ${state.connectionProblem.title}. ${state.connectionProblem.cause}`, style: 'problem' };
  const problem = state.inventory?.problem;
  if (problem && problem.severity !== 'info') return { text: `${problem.severity === 'problem' ? '✕' : '▲'} ${problem.title}. ${problem.remedy}`, style: problem.severity };
  const alert = state.alerts.find((a) => a.severity === 'problem') ?? state.alerts[0];
  if (alert) return { text: `${alert.severity === 'problem' ? '✕' : '▲'} ${alert.title}. ${alert.text}`, style: alert.severity };
  for (const device of state.inventory?.devices ?? []) {
    const fast = state.samples.get(device.uuid)?.fast;
    const kind = throttleKind(fast?.eventReasons ?? null);
    if (kind !== 'heat' && kind !== 'hardware') continue;
    const reason = decodeThrottle(fast?.eventReasons ?? 0).find((r) => r.kind === kind);
    if (reason) return { text: `▲ ${shortDeviceName(device.name)}${state.inventory?.simulated ? ', simulated' : ''}: ${reason.title}, now at ${formatMhz(fast?.clockSmMhz ?? null)}. ${reason.remedy}`, style: 'attention' };
  }
  return state.inventory?.rateNote ? { text: state.inventory.rateNote, style: 'quiet' } : null;
}

const keys: readonly (readonly [string, string])[] = [['q', 'quit'], ['↑↓', 'process'], ['g', 'GPU'], ['s', 'sort'], ['t', 'terminate…'], ['p', 'pause'], ['r', 'range'], ['?', 'help']];

function renderKeys(state: WatchState): Line {
  const shown = state.columns >= 70 ? keys : keys.filter(([key]) => ['q', 't', 'p', '?'].includes(key));
  const left = shown.flatMap(([key, does], i) => [span(i === 0 ? ' ' : '  '), span(key, 'key'), span(` ${key === 'p' && state.pausedAtMs !== null ? 'go on' : does}`, 'quiet')]);
  const open = state.alerts.length;
  return spreadLine(left, open === 0 ? [] : [span(`${String(open)} ${open === 1 ? 'alert' : 'alerts'}: warpdeck alerts `, 'attention')], state.columns);
}

/** How the lines between header and notice are shared out. Pure. */
export function decideRows(state: WatchState): { readonly gpus: number; readonly detail: TrailDetail | null; readonly processes: number } {
  const devices = state.inventory?.devices.length ?? 0;
  const room = Math.max(0, state.rows - 4);
  const leastProcesses = 1 + Math.min(4, Math.max(1, listProcesses(state).length));
  const gpus = Math.min(devices + 1, Math.max(2, room - leastProcesses - 1));
  const left = room - gpus - 1;
  const detail = trailDevices(state).length === 0 ? null : ((['full', 'brief', 'util'] as const).find((d) => countTrailLines(state, d) + 1 + leastProcesses <= left) ?? null);
  return { gpus, detail, processes: left - (detail === null ? 0 : countTrailLines(state, detail) + 1) };
}

function renderBody(state: WatchState): readonly Line[] {
  const { inventory, columns } = state;
  if (!inventory || inventory.state === 'starting') return [[span(state.connection === 'lost' ? '' : ' Looking for GPUs …', 'quiet')]];
  if (inventory.devices.length === 0) {
    const { problem } = inventory;
    if (!problem) return [[span(' No GPUs are shown.', 'quiet')]];
    return [[span(` ${cleanText(problem.title)} (${problem.code})`, problem.severity === 'info' ? 'title' : problem.severity)], ...wrapText(`${cleanText(problem.cause)} ${cleanText(problem.remedy)}`, columns - 4).map((line): Line => [span(`  ${line}`)])];
  }
  const share = decideRows(state);
  return [
    ...renderGpuTable(state, share.gpus), [],
    ...(share.detail === null ? [] : [...renderTrails(state, share.detail), []]),
    ...renderProcessTable(state, share.processes),
  ];
}

/** The whole screen: exactly `rows` lines, none wider than `columns`. Pure. */
export function renderWatch(state: WatchState): readonly Line[] {
  const { columns, rows } = state;
  const notice = decideNotice(state);
  const top: readonly Line[] = [renderHeader(state), [span('─'.repeat(columns), 'quiet')]];
  const bottom: readonly Line[] = [notice ? [span(` ${cleanText(notice.text)}`, notice.style)] : [], renderKeys(state)];
  const room = Math.max(0, rows - top.length - bottom.length);
  const body = renderBody(state).slice(0, room);
  const blank: readonly Line[] = Array.from({ length: room - body.length }, () => []);
  const lines = [...top, ...body, ...blank, ...bottom].map((line) => cutLine(line, columns)).slice(0, rows);
  const dialog = renderDialog(state);
  if (!dialog) return lines;
  return lines.map((line, i) => {
    const box = dialog.lines[i - dialog.row];
    return box ? overlayLine(line, box, dialog.column, columns) : line;
  });
}
