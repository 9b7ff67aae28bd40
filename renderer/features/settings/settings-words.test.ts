import { expect, it } from 'vitest';
import type { HistoryStatus } from '../../../contract/history.ts';
import { describeHistory } from './history-section.tsx';
import { decideReach, maskSecret } from './local-api-section.tsx';
import { findSections, sections } from './sections.ts';

const web = { on: true, url: 'http://127.0.0.1:7757/', host: '127.0.0.1', port: 7757, secure: false };
it.each([
  [null, 'off, nobody can reach it'],
  [{ ...web, on: false }, 'off, nobody can reach it'],
  [web, 'on, this machine only'],
  [{ ...web, host: '0.0.0.0', secure: true }, 'on, reachable from outside on 0.0.0.0, encrypted'],
  [{ ...web, host: '192.168.1.5' }, 'on, reachable from outside on 192.168.1.5, not encrypted'],
])('who can reach %j: %s', (status, words) => {
  expect(decideReach(status).words).toBe(words);
});

it('shows no more of a secret than its ends', () => {
  expect(maskSecret('wd_0123456789abcdef3f9c')).toBe('wd••••••••3f9c');
  expect(maskSecret('short')).toBe('••••••••');
});

it('finds a section by what it holds', () => {
  expect(findSections('prometheus').map((s) => s.id)).toEqual(['local-api']);
  expect(findSections('')).toEqual(sections);
  expect(findSections('zzz')).toEqual([]);
});

it('says how full the history is', () => {
  const status: HistoryStatus = { state: 'on', reason: null, sizeBytes: 74 * 2 ** 20, sizeCapBytes: 512 * 2 ** 20, oldestMs: new Date(2026, 8, 3).getTime(), rows: { raw: 1, second: 1, minute: 1 } };
  expect(describeHistory(status)).toBe('74.0 MiB of 512 MiB used, oldest 3 September 2026');
});
