import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSafeFileName } from './file-name.ts';

test.each([
  ['gpus 2026-11-21.csv', 'gpus 2026-11-21.csv'],
  ['../../.bashrc', 'bashrc'],
  ['/etc/passwd', 'etc-passwd'],
  ['C:\\Windows\\x.dll', 'C--Windows-x.dll'],
  ['con.csv', 'warpdeck-con.csv'],
  ['', 'warpdeck-export'],
  ['...', 'warpdeck-export'],
  ['name. ', 'name'],
])('%j becomes %j', (given, expected) => {
  expect(parseSafeFileName(given)).toBe(expected);
});

test('never a path, never empty', () => {
  fc.assert(fc.property(fc.string(), (name) => {
    const safe = parseSafeFileName(name);
    expect(safe).not.toMatch(/[/\\:\u0000]|^\.|[. ]$|^$/);
  }));
});
