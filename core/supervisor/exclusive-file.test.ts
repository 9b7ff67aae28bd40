import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../testing/test-folder.ts';
import { createWhole, removeLeftBehind } from './exclusive-file.ts';

const newPath = (): string => join(makeTestFolder('exclusive'), 'lock');
const rightTo = (path: string, text: string): string => `${path}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}.removal`;
/** Numbers end at 2^22 on Linux. */
const gone = { pid: 2 ** 22 + 1, startTicks: '1', host: hostname(), nonce: 'x' };

describe('createWhole', () => {
  it('is had by one, and is as it was written', () => {
    const path = newPath();
    expect([createWhole(path, 'a'), createWhole(path, 'b')]).toEqual([true, false]);
    expect(readFileSync(path, 'utf8')).toBe('a');
    expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  });

  it('throws what is wrong with its folder', () => {
    expect(() => createWhole(join(newPath(), 'x'), 'a')).toThrow('ENOENT');
  });
});

describe('removeLeftBehind', () => {
  it('removes what was read, and leaves what another put there since', () => {
    const path = newPath();
    writeFileSync(path, 'old');
    expect(removeLeftBehind(path, 'other')).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(removeLeftBehind(path, 'old')).toBe(true);
    expect(removeLeftBehind(path, 'old')).toBe(true);
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it.each([
    ['of a process that has gone', JSON.stringify(gone), false],
    ['that a power cut emptied', '', true],
    ['of another machine, silent for long', JSON.stringify({ ...gone, host: 'elsewhere' }), true],
  ])('is not held up by a removal %s', (_, text, isOld) => {
    const path = newPath();
    writeFileSync(path, 'old');
    writeFileSync(rightTo(path, 'old'), text);
    if (isOld) utimesSync(rightTo(path, 'old'), 1, 1);
    expect(removeLeftBehind(path, 'old')).toBe(false);
    expect(removeLeftBehind(path, 'old')).toBe(true);
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it.each([
    ['that goes on', JSON.stringify({ ...gone, pid: process.pid, startTicks: null })],
    ['of another machine', JSON.stringify({ ...gone, host: 'elsewhere' })],
    ['that is just being written', ''],
  ])('leaves a removal %s alone', (_, text) => {
    const path = newPath();
    writeFileSync(path, 'old');
    writeFileSync(rightTo(path, 'old'), text);
    expect(removeLeftBehind(path, 'old')).toBe(false);
    expect(existsSync(path)).toBe(true);
  });
});

const taker = `
import { createWhole, removeLeftBehind } from ${JSON.stringify(join(import.meta.dirname, 'exclusive-file.ts'))};
import { readFileSync } from 'node:fs';
process.on('message', (path) => {
  let won = false, text = null;
  for (let i = 0; !won && i < 1000; i += 1) {
    try { text = readFileSync(path, 'utf8'); } catch { text = null; }
    if (text !== null && text.startsWith('taken')) break;
    if (text !== null) removeLeftBehind(path, text);
    won = createWhole(path, 'taken ' + process.pid);
  }
  process.send(won);
});
process.send('here');`;

it('of six processes at once one takes what was left behind, fifty times over', async () => {
  const script = join(makeTestFolder('exclusive'), 'taker.mjs');
  writeFileSync(script, taker);
  const children = Array.from({ length: 6 }, () => fork(script, { execArgv: [] }));
  try {
    await Promise.all(children.map((child) => once(child, 'message')));
    for (let round = 0; round < 50; round += 1) {
      const path = newPath();
      writeFileSync(path, 'left behind');
      const answers = children.map(async (child) => ((await once(child, 'message')) as [boolean])[0]);
      for (const child of children) child.send(path);
      expect((await Promise.all(answers)).filter(Boolean)).toHaveLength(1);
    }
  } finally {
    for (const child of children) child.disconnect();
  }
});
