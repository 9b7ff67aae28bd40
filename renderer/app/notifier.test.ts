import { describe, expect, it } from 'vitest';
import type { Alert } from '../../contract/alerts.ts';
import type { Device } from '../../contract/gpu.ts';
import { defaultSettings, type Settings } from '../../contract/settings.ts';
import type { LatestReading } from '../stores/gpu-store.ts';
import { decideNotifications, decideTrayTip, isQuietTime } from './notifier.ts';

const alert = (id: string, over: Partial<Alert> = {}): Alert => ({ id, kind: 'temperature', severity: 'problem', uuid: 'GPU-1', deviceName: 'RTX 5090', title: 't', text: 'x', value: null, sinceMs: 0, endedMs: null, quietUntilMs: null, ...over });
const withNotifications = (n: Partial<Settings['notifications']>): Settings => ({ ...defaultSettings, notifications: { ...defaultSettings.notifications, ...n } });
const at = (h: number, m = 0): Date => new Date(2026, 10, 21, h, m);

describe('isQuietTime', () => {
  it.each([
    ['22:00', '07:00', at(23), true],
    ['22:00', '07:00', at(6, 59), true],
    ['22:00', '07:00', at(7), false],
    ['09:00', '17:00', at(12), true],
    ['09:00', '17:00', at(8, 59), false],
    [null, '07:00', at(3), false],
  ])('%s to %s', (quietFrom, quietTo, now, quiet) => {
    expect(isQuietTime(withNotifications({ quietFrom, quietTo }).notifications, now)).toBe(quiet);
  });
});

describe('decideNotifications', () => {
  const ids = (list: readonly Alert[]): string[] => list.map((a) => a.id);
  const none = new Set<string>();
  it('says nothing of what was open when the page came', () => {
    expect(decideNotifications(null, [alert('a')], defaultSettings, at(12))).toEqual([]);
  });
  it('tells each alert once', () => {
    expect(ids(decideNotifications(new Set(['a']), [alert('a'), alert('b')], defaultSettings, at(12)))).toEqual(['b']);
  });
  it('keeps to problems only, unless all are wanted', () => {
    const open = [alert('a', { severity: 'attention' })];
    expect(ids(decideNotifications(none, open, defaultSettings, at(12)))).toEqual([]);
    expect(ids(decideNotifications(none, open, withNotifications({ which: 'all' }), at(12)))).toEqual(['a']);
  });
  it('is quiet in quiet hours, but not about a lost GPU', () => {
    const night = withNotifications({ quietFrom: '22:00', quietTo: '07:00' });
    expect(ids(decideNotifications(none, [alert('a'), alert('b', { kind: 'lost' })], night, at(23)))).toEqual(['b']);
  });
  it('keeps still about what was asked to be quiet, and when it is off', () => {
    expect(decideNotifications(none, [alert('a', { quietUntilMs: at(13).getTime() })], defaultSettings, at(12))).toEqual([]);
    expect(decideNotifications(none, [alert('a')], withNotifications({ on: false }), at(12))).toEqual([]);
  });
});

describe('decideTrayTip', () => {
  const device = { uuid: 'GPU-1', index: 0, name: 'NVIDIA GeForce RTX 5090', memTotalBytes: 2 ** 35 } as Device;
  it('names temperature and memory, and alerts', () => {
    const latest = { 'GPU-1': { atMs: 0, state: 'ok', fast: null, slow: null, medium: { tempCelsius: 71, memUsedBytes: 2 ** 34 } } as LatestReading };
    expect(decideTrayTip([device], latest, 1)).toBe('0 RTX 5090: 71 °C, 16.0 of 32.0 GiB\n1 open alert');
  });
  it('says when a GPU is lost, and when there is none', () => {
    expect(decideTrayTip([device], { 'GPU-1': { atMs: 0, state: 'lost', fast: null, medium: null, slow: null } }, 0)).toBe('0 RTX 5090: lost');
    expect(decideTrayTip([], {}, 0)).toBe('Warpdeck: no GPU answers');
  });
});
