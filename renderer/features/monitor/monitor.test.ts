import { describe, expect, test } from 'vitest';
import { createLiveSeries } from '../../live-series/live-series.ts';
import { appendPoint, createPointBuffer, type PointBuffer } from '../../live-series/point-buffer.ts';
import { decideCardState } from './card-state.ts';
import { buildCsv, csvField } from './csv.ts';
import { decideHistory } from './history-plan.ts';
import { decideColumns, decideRows, type CellContext } from './process-columns.tsx';
import { decideEmptyText } from './process-panel.tsx';
import { sparkPath } from './process-history.tsx';
import { decideAdvice } from './span-tip.ts';
import { decideQuestion } from './terminate-button.tsx';
import { makeDevice, makeFrame, makeProcess, makeReading } from './test-devices.ts';
import { buildThrottleSpans, decideClockDrop, spanAt, summariseSpans } from './throttle-spans.ts';
import { decideTicks, decideTickStep, formatTick } from './time-axis.ts';
import { decideTracks } from './tracks.ts';
import { followRange, pause, pixelWindow, resume, showPiece, zoom } from './view.ts';
import { clockTop, powerTop, rateTop, steadyTop } from './y-scale.ts';
import { decideShown } from './monitor-page.tsx';

const T0 = 1_790_000_000_000;
const buffer = (points: readonly (readonly [number, number])[]): PointBuffer => {
  const b = createPointBuffer(8);
  for (const [t, v] of points) appendPoint(b, T0 + t, v);
  return b;
};

describe('the view', () => {
  test('pausing holds the newest reading, resuming goes on', () => {
    const view = followRange('5m');
    const held = pause(view, T0);
    expect(held.toMs).toBe(T0);
    expect(pause(held, T0 + 5000)).toBe(held);
    expect(resume(held)).toEqual(view);
  });

  test('a piece is exactly what was dragged, and at least two seconds', () => {
    expect(showPiece(followRange('5m'), T0, T0 + 30_000)).toMatchObject({ spanMs: 30_000, toMs: T0 + 30_000 });
    expect(showPiece(followRange('5m'), T0, T0 + 100)).toMatchObject({ spanMs: 2000 });
  });

  test('zooming keeps the time under the pointer, and the newest reading while it follows', () => {
    expect(zoom(followRange('5m'), 0.5, 0.3, T0)).toMatchObject({ spanMs: 150_000, toMs: null });
    const held = { range: '5m', spanMs: 100_000, toMs: T0 - 1_000_000 } as const;
    const near = zoom(held, 0.5, 0.25, T0);
    const at = (v: { spanMs: number; toMs: number | null }, f: number): number => (v.toMs ?? 0) - v.spanMs + f * v.spanMs;
    expect(at(near, 0.25)).toBeCloseTo(at(held, 0.25), 3);
  });

  test('a window lies on the grid of columns, so that it moves by whole pixels', () => {
    const a = pixelWindow(followRange('5m'), T0, 400);
    const b = pixelWindow(followRange('5m'), T0 + 10 * a.msPerPx, 400);
    expect(a.lastColumn - a.firstColumn).toBe(399);
    expect(b.firstColumn - a.firstColumn).toBe(10);
  });
});

describe('axes', () => {
  test.each([
    [300_000, 390, 60_000],
    [60_000, 390, 10_000],
    [86_400_000, 390, 6 * 3_600_000],
    [3_600_000, 700, 600_000],
    [2000, 390, 1000],
  ])('%i ms on %i px: a mark every %i ms', (span, width, step) => {
    expect(decideTickStep(span, width)).toBe(step);
  });

  test('marks stand at whole minutes of the local clock', () => {
    const halfHour = 5.5 * 3_600_000;
    const ticks = decideTicks(T0, T0 + 7_200_000, 3_600_000, halfHour);
    expect(ticks).toHaveLength(2);
    for (const t of ticks) expect((t + halfHour) % 3_600_000).toBe(0);
    expect(formatTick(new Date(2026, 10, 21, 14, 28).getTime(), 60_000)).toBe('14:28');
    expect(formatTick(new Date(2026, 10, 21, 14, 28, 30).getTime(), 10_000)).toBe('14:28:30');
    expect(formatTick(new Date(2026, 10, 21).getTime(), 6 * 3_600_000)).toBe('21 Nov');
  });

  test('ends are round, above the limit, and still while they can be', () => {
    expect([575, 450, 350, 700, 60].map((w) => powerTop(w))).toEqual([600, 500, 400, 800, 75]);
    expect(powerTop(null, 250)).toBe(300);
    expect([3105, 1980, 2100].map((c) => clockTop(c))).toEqual([3200, 2000, 2200]);
    expect([0, 1e9, 1.2e9, 5e9, 4.2e10].map((r) => rateTop(r, 1e9))).toEqual([1e9, 1e9, 2e9, 6e9, 6e10]);
    expect(steadyTop(4e9, 2.1e9, 1e9)).toBe(4e9);
    expect(steadyTop(4e9, 0.5e9, 1e9)).toBe(1e9);
  });

  test('a board has the tracks that it can fill', () => {
    expect(decideTracks(makeDevice(0)).map((t) => t.key)).toEqual(['util', 'mem', 'pow', 'temp', 'clk', 'thr', 'pcie']);
    expect(decideTracks(makeDevice(0, { nvlinkCount: 18 })).at(-1)?.title).toBe('NVLink ×18');
  });
});

describe('throttle spans', () => {
  const POWER = 0x4;
  const HEAT = 0x20;
  test('readings become spans; a flicker does not split one, another kind does', () => {
    const points = buffer([[0, 0], [1000, POWER], [1500, 0], [1700, POWER], [3000, HEAT], [4000, 0], [6000, Number.NaN], [7000, HEAT]]);
    const spans = buildThrottleSpans(points, T0, T0 + 10_000, T0 + 8000);
    expect(spans.map((s) => [s.kind, s.fromMs - T0, s.toMs - T0, s.lasting])).toEqual([['power', 1000, 3000, false], ['heat', 3000, 4000, false], ['heat', 7000, 8000, true]]);
    expect(spanAt(spans, T0 + 3500, 0)?.kind).toBe('heat');
    expect(spanAt(spans, T0 + 5000, 10)).toBeNull();
    expect(summariseSpans(spans)).toEqual({ kind: 'heat', label: 'heat', totalMs: 2000 });
  });

  test('the last reading does not stand for ever', () => {
    expect(buildThrottleSpans(buffer([[0, HEAT]]), T0, T0 + 60_000, T0 + 60_000)[0]?.toMs).toBe(T0 + 3000);
  });

  test('idle and user settings slow nothing', () => {
    expect(buildThrottleSpans(buffer([[0, 0x1], [1000, 0x2]]), T0, T0 + 5000, T0 + 5000)).toEqual([]);
    expect(summariseSpans([])).toBeNull();
  });

  test('the cost is the clock before against the clock meanwhile; nothing is said where the beginning is not in sight', () => {
    const clock = buffer([...Array.from({ length: 20 }, (_, i) => [i * 1000, 1890] as const), ...Array.from({ length: 10 }, (_, i) => [20_000 + i * 1000, 1245] as const)]);
    const span = { kind: 'heat' as const, fromMs: T0 + 20_000, toMs: T0 + 29_000, mask: HEAT, lasting: false };
    const drop = decideClockDrop(span, clock, T0);
    expect(drop).toMatchObject({ beforeMhz: 1890, duringMhz: 1245 });
    expect(drop?.lossPercent).toBeCloseTo(34.1, 1);
    expect(decideClockDrop(span, clock, T0 + 20_000)).toBeNull();
  });

  test('the advice has the numbers of the device', () => {
    const span = { kind: 'heat' as const, fromMs: 0, toMs: 1, mask: HEAT, lasting: false };
    expect(decideAdvice(span, ['Check the intake.'], 100, makeDevice(0))).toBe('Check the intake. The fan runs at 100 %.');
    expect(decideAdvice({ ...span, kind: 'power' }, ['Normal at full load.'], 40, makeDevice(0))).toBe('Normal at full load. The limit is 450 W; the board allows 600 W.');
  });
});

describe('a card', () => {
  const series = createLiveSeries();
  series.ingest(makeFrame(1, T0, ['GPU-0'], { temp: 86 }));
  test.each([
    [0, 'hot', 'attention'],
    [0x20, 'slowed by heat', 'attention'],
    [0x40, 'hardware slowdown', 'problem'],
    [0x4, 'hot', 'attention'],
  ])('reasons 0x%x at 86 of 90 °C: %s', (mask, word, kind) => {
    expect(decideCardState(makeDevice(0), series.latest('GPU-0'), mask)).toMatchObject({ word, kind });
  });
  test('a lost device says what to do and is drawn grey', () => {
    const latest = series.latest('GPU-0');
    expect(decideCardState(makeDevice(0), latest ? { ...latest, state: 'lost' } : null, 0)).toMatchObject({ word: 'lost', gone: true });
  });
  test('the selection filters, and a MIG instance comes with its board', () => {
    const devices = [makeDevice(1), makeDevice(0), makeDevice(2, { kind: 'mig', parentUuid: 'GPU-0', uuid: 'MIG-2' })];
    expect(decideShown(devices, []).map((d) => d.uuid)).toEqual(['GPU-0', 'GPU-1', 'MIG-2']);
    expect(decideShown(devices, ['GPU-0']).map((d) => d.uuid)).toEqual(['GPU-0', 'MIG-2']);
  });
});

describe('the history that a view needs', () => {
  const now = T0 + 3_600_000;
  test('five minutes: what was read, the slower values in seconds', () => {
    const plan = decideHistory(followRange('5m'), now, now, 400);
    expect(plan.requests).toHaveLength(2);
    expect(plan.requests[1]).toMatchObject({ fromMs: now - 300_000, toMs: now });
    expect(plan.requests[1]?.metrics).toContain('powerWatts');
    expect(plan.againInMs).toBeNull();
  });
  test('a piece of three hours ago: seconds only', () => {
    const plan = decideHistory(showPiece(followRange('5m'), T0, T0 + 120_000), now + 3 * 3_600_000, now + 3 * 3_600_000, 400);
    expect(plan.requests).toHaveLength(1);
    expect(plan.requests[0]?.maxPoints).toBe(122);
  });
  test('a day: two points a pixel, again at the rate of their step', () => {
    const plan = decideHistory(followRange('24h'), now, now, 400);
    expect(plan.requests[0]?.maxPoints).toBe(800);
    expect(plan.againInMs).toBe(108_000);
    expect(decideHistory({ ...followRange('24h'), toMs: now }, now, now, 400).againInMs).toBeNull();
  });
});

describe('CSV', () => {
  test('one row for each time, units in the head, nothing for what was not reported', () => {
    const series = createLiveSeries();
    series.ingest(makeFrame(1, T0, ['GPU-0'], { util: 50, reasons: 0x24 }));
    series.ingest(makeFrame(2, T0 + 100, ['GPU-0'], { util: null }));
    const [head, first, second, end] = buildCsv(series, [makeDevice(0)], T0, T0 + 100).split('\r\n');
    expect(head).toContain('Time,GPU,UUID,Name,GPU utilisation (%)');
    expect(head).toContain('Power (W)');
    expect(first?.startsWith(`${new Date(T0).toISOString()},0,GPU-0,NVIDIA GeForce RTX 4090,50,30,301,`)).toBe(true);
    expect(first).toContain('software_power_cap;software_thermal');
    expect(second?.startsWith(`${new Date(T0 + 100).toISOString()},0,GPU-0,NVIDIA GeForce RTX 4090,,30,302,`)).toBe(true);
    expect(end).toBe('');
  });
  test('fields are quoted, and none becomes a formula', () => {
    expect(csvField('a,"b"')).toBe('"a,""b"""');
    expect(csvField('=cmd()')).toBe("'=cmd()");
    expect(csvField('-12.5')).toBe('-12.5');
  });
});

describe('processes', () => {
  const processes = [makeProcess(10), makeProcess(200, { user: 'jonas', memUsedBytes: null }), makeProcess(30, { gpuUuid: 'GPU-1', command: 'llama-server -ngl 99' })];
  const context: CellContext = { devices: new Map([makeDevice(0), makeDevice(1)].map((d) => [d.uuid, d])), reading: makeReading(processes), simulated: false, nowMs: T0 };
  const pids = (filter: string, id: string, descending: boolean, selection: string[] = []): number[] => decideRows(processes, { selection, filter, sorting: { id, descending }, context }).map((p) => p.pid);

  test('sorted by a number; what is not reported comes last either way', () => {
    expect(pids('', 'memory', true)).toEqual([30, 10, 200]);
    expect(pids('', 'memory', false)).toEqual([10, 30, 200]);
    expect(pids('', 'user', false)).toEqual([200, 10, 30]);
    expect(pids('', 'gpu', true)).toEqual([30, 10, 200]);
  });
  test('all words of the filter must be there; the selection of the top bar counts', () => {
    expect(pids('maria job-10', 'pid', false)).toEqual([10]);
    expect(pids('gpu1', 'pid', false)).toEqual([30]);
    expect(pids('', 'pid', false, ['GPU-1'])).toEqual([30]);
    expect(pids('nobody', 'pid', false)).toEqual([]);
  });
  test('columns stand in the order of the table, whatever the settings say', () => {
    expect(decideColumns(['memory', 'gpu', 'nonsense']).map((c) => c.id)).toEqual(['gpu', 'memory']);
    expect(decideColumns(['nonsense']).length).toBeGreaterThan(5);
  });
  test('an empty table says why', () => {
    expect(decideEmptyText(makeReading([]), 0, '', { inContainer: false })).toBe('No process is on a GPU.');
    expect(decideEmptyText(makeReading(processes), 3, 'x', { inContainer: false })).toBe('No process matches "x".');
    expect(decideEmptyText({ ...makeReading([]), notReported: { processes: { code: 'wsl', text: 'WSL hides them.' } } }, 0, '', { inContainer: false })).toBe('Processes are not reported: WSL hides them.');
  });
  test('the confirmation names the process, its GPU and what it holds', () => {
    const plan = { planId: 'p', expiresAtMs: T0, pid: 4711, startTicks: null, user: 'maria', command: '/usr/bin/python train.py', gpus: ['GPU-0'], memUsedBytes: 2 ** 31, signal: 'TERM' as const };
    expect(decideQuestion(plan, context.devices)).toEqual({
      title: 'Terminate python (4711)?',
      detail: '/usr/bin/python train.py, of maria, on GPU 0, RTX 4090. It holds 2.00 GiB there. It is asked to end and may still save its work; what it has not saved is lost.',
      confirmLabel: 'Terminate python (4711)',
    });
  });
  test('a line breaks where nothing was reported', () => {
    expect(sparkPath([{ atMs: 0, value: 0 }, { atMs: 1, value: null }, { atMs: 2, value: 100 }], 100)).toBe('M0.0 39.0M420.0 1.0');
  });
});
