import { setTimeout as pause } from 'node:timers/promises';
import type { Device, DeviceSample, GpuFrame } from '../../../contract/gpu.ts';
import { defaultSettings, type Settings } from '../../../contract/settings.ts';
import type { Logger } from '../../logging/logger.ts';
import { createHistory, type History, type HistoryOptions } from './create-history.ts';

/** For the tests of the history: devices, frames with values that can be foretold, and a log that keeps its lines. */
export const uuidOf = (index: number): string => `GPU-0000000${index}-1111-2222-3333-444444444444`;

export function makeDevices(count: number): Device[] {
  return Array.from({ length: count }, (_, index) => ({
    uuid: uuidOf(index), index, kind: 'gpu', parentUuid: null, migProfile: null, name: `Test GPU ${index}`, architecture: null, computeCapability: null,
    pciBusId: null, vbiosVersion: null, persistenceMode: null, eccEnabled: null, migMode: null, displayActive: null, unifiedMemory: false,
    memTotalBytes: null, powerLimitWatts: null, powerDefaultLimitWatts: null, powerMinLimitWatts: null, powerMaxLimitWatts: null,
    tempSlowdownCelsius: null, tempShutdownCelsius: null, tempMaxOperatingCelsius: null, clockMaxSmMhz: null, clockMaxMemMhz: null,
    pcieMaxGen: null, pcieMaxWidth: null, nvlinkCount: null, fanCount: null, notReported: {},
  }));
}

/** Repeatable noise in [0, 1) (a hash of the time and two numbers), so that compression is not flattered. */
export function noise(atMs: number, a: number, b: number): number {
  let x = (Math.floor(atMs / 100) * 2654435761 + a * 40503 + b * 69069) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b) >>> 0;
  return ((x ^ (x >>> 16)) >>> 0) / 4294967296;
}

/** Memory is a multiple of a mebibyte, energy a counter that needs more than 32 bits of float. */
export function makeSample(index: number, atMs: number, due: { readonly medium: boolean; readonly slow: boolean }): DeviceSample {
  const n = (b: number): number => noise(atMs, index, b);
  const fast = { utilGpuPercent: Math.round(n(1) * 100), utilMemPercent: Math.round(n(2) * 100), powerWatts: Math.round(n(3) * 700_000) / 1000, clockSmMhz: 1000 + Math.round(n(4) * 980), clockMemMhz: 3201, eventReasons: n(5) < 0.1 ? 0x4 : n(5) > 0.95 ? 0x28 : 0 };
  return {
    uuid: uuidOf(index), state: 'ok', fast,
    ...(due.medium ? { medium: {
      memUsedBytes: Math.round(n(6) * 143_000) * 1_048_576 + 4096, memFreeBytes: null, memReservedBytes: null, tempCelsius: 40 + Math.round(n(7) * 45), tempMemCelsius: null,
      powerLimitWatts: 700, energyJoules: 123_456_789.125 + index + (atMs % 1e9) / 8, pcieRxBytesPerSecond: Math.round(n(8) * 5e10), pcieTxBytesPerSecond: Math.round(n(9) * 5e10),
      nvlinkRxBytesPerSecond: Math.round(n(10) * 4e11), nvlinkTxBytesPerSecond: Math.round(n(11) * 4e11), utilEncoderPercent: 0, utilDecoderPercent: 0, clockVideoMhz: null, pcieGen: 5, pcieWidth: 16,
      pstate: 0, powerCapSeconds: null, thermalSoftwareSeconds: null, thermalHardwareSeconds: null, powerBrakeSeconds: null,
    } } : {}),
    ...(due.slow ? { slow: { fanPercent: Math.round(n(12) * 100), fanRpm: null, eccCorrected: null, eccUncorrected: null, remappedRows: null, rowRemapPending: null, pcieReplays: null, nvlinkActive: null, nvlinkErrors: null, xid: null, xidAtMs: null } } : {}),
  };
}

/** A tick as a source makes it: the fast tier always, the medium one once a second, the slow one every five. */
export function makeFrame(seq: number, atMs: number, devices: number): GpuFrame {
  const due = { medium: atMs % 1000 < 100, slow: atMs % 5000 < 100 };
  return { seq, atMs, tookMs: 0.5, samples: Array.from({ length: devices }, (_, i) => makeSample(i, atMs, due)) };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}
export function keepLog(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => void lines.push({ level, message, fields });
  const log = { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log;
}

export const historySettings = (change: Partial<Settings['history']> = {}): Settings['history'] => ({ ...defaultSettings.history, ...change });

/** A history with a clock that the test moves. */
export function openHistory(databasePath: string | null, options: Partial<HistoryOptions> & { readonly clock?: { ms: number } } = {}): { readonly history: History; readonly log: ReturnType<typeof keepLog> } {
  const log = keepLog();
  const { clock, ...rest } = options;
  const history = createHistory({ databasePath, getSettings: () => historySettings(), log, flushMs: 50, retryMs: 50, ...(clock ? { now: () => clock.ms } : {}), ...rest });
  return { history, log };
}

/** Feeds ticks from one time to another (not included), giving the thread the time it needs. */
export async function feed(history: History, devices: readonly Device[], fromMs: number, toMs: number, stepMs: number, clock?: { ms: number }): Promise<void> {
  let seq = 0;
  for (let atMs = fromMs; atMs < toMs; atMs += stepMs) {
    if (clock) clock.ms = atMs;
    history.ingest(makeFrame(seq++, atMs, devices.length), devices);
    if (seq % 1000 === 0) await history.status();
  }
}

/** Polls until a condition holds; fails after `withinMs`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await pause(20);
  }
}
