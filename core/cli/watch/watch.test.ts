import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { TerminatePlan } from '../../../contract/gpu.ts';
import { displayWidth } from '../display-width.ts';
import { renderBar, renderHeight } from './bars.ts';
import { cutLine, fitLine, lineText, lineWidth, overlayLine, sliceLine, span } from './line.ts';
import { createPainter, decideTheme, nearest256 } from './paint.ts';
import { parseKeys, type Key } from './parse-keys.ts';
import { reduceWatch } from './reduce-watch.ts';
import { wrapText } from './render-dialog.ts';
import { decideGpuLayout, layoutWidth } from './render-gpu-table.ts';
import { decideWindow } from './render-process-table.ts';
import { renderWatch } from './render-watch.ts';
import { diffFrames } from './screen.ts';
import { makeTestState, play, TEST_NOW_MS, testInventory, testProcesses, testSamples } from './test-state.ts';
import { addToTrail, cutTrail, decideCells, joinTrails, type Trail } from './trail.ts';
import { processKey, type WatchState } from './watch-state.ts';

const picture = (state: WatchState): string => renderWatch(state).map((line) => lineText(line).trimEnd()).join('\n');
const press = (state: WatchState, ...keys: readonly Key[]): WatchState => play(state, ...keys.map((key) => ({ type: 'key', key }) as const));
const plan: TerminatePlan = { planId: 'p1', expiresAtMs: TEST_NOW_MS + 60_000, pid: 48213, startTicks: '1', user: 'maria', command: '/usr/bin/python train.py --config gpt2-124m', gpus: ['GPU-0'], memUsedBytes: 25.9 * 1024 ** 3, signal: 'TERM' };

describe('renderWatch', () => {
  it('is the picture at 120×36', () => {
    expect(picture(makeTestState(120, 36))).toMatchSnapshot();
  });
  it('is the picture at 80×24', () => {
    expect(picture(press(makeTestState(80, 24), 'down', 'down'))).toMatchSnapshot();
  });
  it('names the process in its dialog', () => {
    expect(picture(play(makeTestState(100, 30), { type: 'planned', plan }))).toMatchSnapshot();
  });

  it('fills every window exactly, whatever is open in it', () => {
    const dialogs = [(s: WatchState) => s, (s: WatchState) => press(s, 'char:?'), (s: WatchState) => play(s, { type: 'planned', plan }), (s: WatchState) => press(s, 'char:p', 'char:r', 'char:g')];
    for (const open of dialogs) {
      for (let columns = 20; columns <= 220; columns += 13) {
        for (const rows of [5, 8, 12, 24, 50]) {
          const lines = renderWatch(open(makeTestState(columns, rows)));
          expect(lines.length).toBe(rows);
          for (const line of lines) expect(lineWidth(line), `${String(columns)}×${String(rows)}: ${lineText(line)}`).toBeLessThanOrEqual(columns);
        }
      }
    }
  });

  it('never drops a unit', () => {
    for (let columns = 60; columns <= 200; columns += 5) {
      const row = picture(makeTestState(columns, 40)).split('\n').find((line) => line.includes('27.4'));
      expect(row, String(columns)).toMatch(/ 98 % .*27\.4 \/ 31\.8 GiB .*553( \/ 575)? W .*70 °C/);
    }
  });

  it('says that devices are simulated or replayed, in the narrowest window too', () => {
    for (const [source, word] of [['simulate', 'simulated'], ['replay', 'replayed']] as const) {
      const state = play(makeTestState(60, 24), { type: 'inventory', inventory: { ...testInventory, source, simulated: true } });
      expect(picture(state).split('\n')[0]).toContain(word);
    }
  });

  it('shows the problem instead of devices, and what to do', () => {
    const problem = makeProblem('gpu.version_mismatch', { moduleVersion: '580.95', libraryVersion: '580.105' });
    const text = picture(play(makeTestState(80, 24), { type: 'inventory', inventory: { ...testInventory, state: 'problem', problem, devices: [] } }));
    expect(text).toContain('Driver and library are of different versions (gpu.version_mismatch)');
    expect(text).toContain('Restart the machine.');
  });

  it('shows sixteen devices in a low window by saying how many it does not', () => {
    const devices = Array.from({ length: 16 }, (_, i) => ({ ...testInventory.devices[0], ...testInventory.devices[i % 4], uuid: `U${String(i)}`, index: i })).flatMap((d) => (d.name === undefined ? [] : [d as (typeof testInventory.devices)[number]]));
    expect(picture(play(makeTestState(80, 20), { type: 'inventory', inventory: { ...testInventory, devices } }))).toMatch(/… \d+ more; a taller window shows them/);
  });

  it('lets no control sequence of a command line through', () => {
    expect(renderWatch(makeTestState(120, 40)).map(lineText).join('')).not.toContain('\u001b');
  });
});

describe('reduceWatch', () => {
  const state = makeTestState(120, 36);
  const key = (index: number): string => processKey(testProcesses[index] ?? testProcesses[0] ?? ({} as never));

  it('moves the selection in the order that is shown, and stops at the ends', () => {
    expect(press(state, 'down').selected).toBe(key(0));
    expect(press(state, 'down', 'down').selected).toBe(key(1));
    expect(press(state, 'down', 'up', 'up').selected).toBe(key(0));
    expect(press(state, 'end').selected).toBe(key(3));
    expect(press(state, 'up').selected).toBe(key(3));
    expect(press(state, 'home').selected).toBe(key(0));
    expect(press(state, 'down', 'char:s', 'char:s').selected).toBe(key(0));
  });
  it('forgets a selection whose process has gone', () => {
    expect(play(press(state, 'down'), { type: 'processes', processes: testProcesses.slice(1) }).selected).toBeNull();
  });
  it('asks for a plan, never ends at once', () => {
    expect(reduceWatch(press(state, 'down'), { type: 'key', key: 'char:t' }).effects).toEqual([{ type: 'plan', process: testProcesses[0], signal: 'TERM' }]);
    expect(reduceWatch(press(state, 'down'), { type: 'key', key: 'char:K' }).effects).toEqual([{ type: 'plan', process: testProcesses[0], signal: 'KILL' }]);
    expect(reduceWatch(state, { type: 'key', key: 'char:t' })).toMatchObject({ effects: [], state: { notice: { text: expect.stringContaining('Choose a process') } } });
  });
  it('says why a process cannot be ended', () => {
    expect(press(state, 'end', 'char:t').dialog).toMatchObject({ kind: 'message', text: 'It is a process of the host.' });
  });

  const asked = play(state, { type: 'planned', plan });
  it.each([
    [['enter'], false], [['escape'], false], [['char:n'], false], [['char:q'], false], [['char:t'], false], [['tab', 'enter'], true], [['right', 'left', 'enter'], false], [['char:y'], true],
  ] as const)('applies a plan after %j: %s', (keys, applies) => {
    let now = asked;
    const effects = keys.flatMap((k) => {
      const step = reduceWatch(now, { type: 'key', key: k });
      now = step.state;
      return step.effects;
    });
    expect(effects).toEqual(applies ? [{ type: 'apply', plan }] : []);
  });

  it('quits by q and Ctrl+C; q closes a dialog first', () => {
    expect(reduceWatch(state, { type: 'key', key: 'char:q' }).effects).toEqual([{ type: 'quit' }]);
    expect(reduceWatch(press(state, 'char:?'), { type: 'key', key: 'char:q' })).toMatchObject({ effects: [], state: { dialog: null } });
    expect(reduceWatch(asked, { type: 'key', key: 'ctrl-c' }).effects).toEqual([{ type: 'quit' }]);
  });
  it('keeps its numbers while stopped, and collects the course', () => {
    const stopped = press(state, 'char:p');
    const frame = { seq: 2, atMs: TEST_NOW_MS + 1000, tookMs: 1, samples: testSamples.map((s) => ({ ...s, fast: s.fast ? { ...s.fast, utilGpuPercent: 1 } : null })) };
    const after = play(stopped, { type: 'frame', frame });
    expect(after.samples).toBe(stopped.samples);
    expect(after.trails.get('GPU-0')?.length).toBe((stopped.trails.get('GPU-0')?.length ?? 0) + 1);
    expect(press(after, 'char:p').pausedAtMs).toBeNull();
  });
  it('keeps slower tiers between their readings', () => {
    const after = play(state, { type: 'frame', frame: { seq: 2, atMs: TEST_NOW_MS + 100, tookMs: 1, samples: [{ uuid: 'GPU-0', state: 'ok', fast: testSamples[0]?.fast ?? null }] } });
    expect(after.samples.get('GPU-0')?.medium?.tempCelsius).toBe(70);
  });
  it('goes round the GPUs and shows their processes alone', () => {
    expect(press(state, 'char:g').onlyUuid).toBe('GPU-0');
    expect(press(state, 'char:g', 'char:g', 'char:g', 'char:g', 'char:g').onlyUuid).toBeNull();
    expect(picture(press(state, 'char:g', 'char:g'))).not.toContain('train.py');
    expect(play(press(state, 'char:g'), { type: 'inventory', inventory: { ...testInventory, devices: [] } }).onlyUuid).toBeNull();
  });
  it('lets a notice go after its time', () => {
    const told = press(state, 'char:s');
    expect(told.notice).not.toBeNull();
    expect(play(told, { type: 'time', nowMs: TEST_NOW_MS + 6000 }).notice).toBeNull();
  });
});

describe('parts', () => {
  it.each<[string, readonly Key[], string]>([
    ['q', ['char:q'], ''], ['\u001b[A\u001b[B', ['up', 'down'], ''], ['\u001bOA', ['up'], ''], ['\u001b[1;5C', ['right'], ''], ['\u001b[5~', ['page-up'], ''], ['\r\t', ['enter', 'tab'], ''],
    ['\u0003', ['ctrl-c'], ''], ['\u001b', [], '\u001b'], ['\u001b[', [], '\u001b['], ['a\u001b[1;', ['char:a'], '\u001b[1;'], ['\u001b[<0;1;1M', [], ''], ['é', ['char:é'], ''], ['\u001bx', ['escape', 'char:x'], ''],
  ])('keys of %j', (text, keys, rest) => {
    expect(parseKeys(text)).toEqual({ keys, rest });
  });

  it.each([[0, 8, '', 8], [1, 8, '████████', 0], [0.98, 8, '███████▉', 0], [0.001, 8, '▏', 7], [0.5, 9, '████▌', 4], [2, 4, '████', 0]])('a bar of %d in %d cells', (share, cells, filled, track) => {
    expect(renderBar(share, cells)).toEqual({ filled, track: '·'.repeat(track) });
  });
  it('shows nothing where nothing is reported', () => {
    expect(renderBar(null, 5)).toEqual({ filled: '', track: '     ' });
    expect([renderHeight(null, 100), renderHeight(0, 100), renderHeight(50, 100), renderHeight(100, 100), renderHeight(5, 0)]).toEqual([' ', '▁', '▄', '█', ' ']);
  });

  it.each([[300_000, 60, 5, 60], [300_000, 59, 6, 50], [60_000, 60, 1, 60], [3_600_000, 60, 60, 60], [300_000, 142, 3, 100]])('%d ms in %d cells', (range, room, cellSeconds, cells) => {
    expect(decideCells(range, room)).toEqual({ cellSeconds, cells });
  });
  it('keeps gaps as gaps, and bridges a slow pace', () => {
    const at = 1_000_000_000_000;
    const reading = { utilGpuPercent: 50, powerWatts: 100, eventReasons: 0x20 };
    const trail = [0, 5, 30].reduce<Trail>((t, s) => addToTrail(t, at + s * 1000, reading), []);
    const utils = cutTrail(trail, at + 34_000, 5, 7, 2000).map((c) => c.utilGpuPercent);
    expect(utils).toEqual([50, 50, null, null, null, null, 50]);
    expect(cutTrail(trail, at + 14_000, 5, 3, 10_000).map((c) => c.kind)).toEqual(['heat', 'heat', 'heat']);
  });
  it('means the readings of a second, joins the reasons, goes only forward', () => {
    let trail = addToTrail([], 1000, { utilGpuPercent: 10, powerWatts: null, eventReasons: 0x1 });
    trail = addToTrail(trail, 1400, { utilGpuPercent: 30, powerWatts: 5, eventReasons: 0x4 });
    trail = addToTrail(trail, 500, { utilGpuPercent: 99, powerWatts: 5, eventReasons: 0 });
    expect(trail).toEqual([{ secondMs: 1000, utilGpuPercent: 20, powerWatts: 5, reasons: 5, count: 2 }]);
    expect(joinTrails([{ ...trail[0], secondMs: 0 } as Trail[number], { ...trail[0], secondMs: 1000, count: 9 } as Trail[number]], trail).map((p) => p.count)).toEqual([2, 2]);
  });

  it('cuts, fits and overlays lines by cells', () => {
    const line = [span('ab', 'fine'), span('日本語'), span('xyz')];
    fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 20 }), (width, from) => {
      expect(lineWidth(cutLine(line, width))).toBeLessThanOrEqual(width);
      expect(lineWidth(fitLine(line, width))).toBe(width);
      expect(lineWidth(sliceLine(line, from, from + width))).toBe(width);
    }), { seed: 1 });
    expect(lineText(overlayLine(line, [span('##')], 3, 12))).toBe('ab ## 語xyz ');
    expect(wrapText('a word andaverylongone x', 8)).toEqual(['a word', 'andavery', 'longone', 'x']);
  });

  it('lays the device table out within any room from 46 cells', () => {
    const needs = { name: 13, memory: 15, power: 11, powerPlain: 5 };
    for (let room = 46; room < 240; room += 1) expect(layoutWidth(decideGpuLayout(room, needs)), String(room)).toBeLessThanOrEqual(room);
    expect(decideGpuLayout(120, needs)).toMatchObject({ clock: 9, pcie: 6 });
    expect(decideGpuLayout(80, needs)).toMatchObject({ clock: 0, pcie: 0, powerWithLimit: true });
  });
  it.each([[10, -1, 4, 0, 4], [10, 9, 4, 6, 10], [10, 5, 4, 3, 7], [3, 2, 5, 0, 3]])('%d processes, row %d chosen, %d lines', (count, chosen, rows, from, to) => {
    expect(decideWindow(count, chosen, rows)).toEqual({ from, to });
  });

  it('writes only lines that changed, in one frame', () => {
    expect(diffFrames(['a', 'b'], ['a', 'b'])).toBe('');
    expect(diffFrames(['a', 'b'], ['a', 'c'])).toBe('\u001b[?2026h\u001b[2;1H\u001b[2Kc\u001b[0m\u001b[?2026l');
    // Erasing after a line as wide as the screen would take its last character.
    expect(diffFrames(['a', 'b'], ['a', 'c'.repeat(80)])).not.toMatch(/c\u001b\[0m\u001b\[K/);
    expect(diffFrames(['a', 'b', 'c'], ['a'])).toContain('\u001b[2;1H\u001b[J');
    expect(diffFrames(null, ['a'])).toContain('\u001b[2J');
  });

  it('paints by what the terminal can, and not at all with NO_COLOR', () => {
    const line = [span('x', 'gpu-0'), span('y', 'selected'), span('z')];
    expect(createPainter(24, 'dark')(line)).toBe('\u001b[38;2;69;224;240mx\u001b[0m\u001b[7my\u001b[0mz');
    expect(createPainter(8, 'dark')(line)).toContain('\u001b[38;5;81mx');
    expect(createPainter(4, 'dark')(line)).toContain('\u001b[36mx');
    expect(createPainter(1, 'dark')(line)).toBe('x\u001b[7my\u001b[0mz');
    expect(nearest256([0, 0, 0])).toBe(16);
    expect([decideTheme({}), decideTheme({ COLORFGBG: '0;15' }), decideTheme({ COLORFGBG: '15;0' })]).toEqual(['dark', 'light', 'dark']);
  });
  it('measures what it paints', () => {
    expect(displayWidth(lineText([span('█▉·'), span('░▓')]))).toBe(5);
  });
});
