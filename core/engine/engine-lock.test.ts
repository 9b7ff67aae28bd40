import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { problemOf } from '../../contract/problem.ts';
import { dataFolder, type DataFolder } from '../system/data-folder.ts';
import { makeTestFolder } from '../testing/test-folder.ts';
import { readLock, takeLock } from './engine-lock.ts';

const content = { socket: 'engine.sock', version: '0', sourceSpec: 'none', startedAtMs: 0 };
/** A lock whose process is no more: numbers end at 2^22 on Linux. */
const stale = JSON.stringify({ pid: 2 ** 22 + 1, startTicks: '1', ...content });
const newFolder = (): DataFolder => dataFolder(makeTestFolder('lock'));
const files = (folder: DataFolder): readonly string[] => readdirSync(folder.root);

const taker = `
import { takeLock } from ${JSON.stringify(join(import.meta.dirname, 'engine-lock.ts'))};
import { dataFolder } from ${JSON.stringify(join(import.meta.dirname, '../system/data-folder.ts'))};
process.stdout.write('here\\n');
process.stdin.once('data', () => {
  try { takeLock(dataFolder(process.argv[1]), ${JSON.stringify(content)}); process.stdout.write('won\\n'); }
  catch (error) { process.stdout.write(error.problem?.code === 'engine.locked' ? 'lost\\n' : error.message + '\\n'); }
  process.stdin.once('end', () => process.exit(0));
});`;

/** Processes that try at the same moment; all stay until all have tried. */
async function tryAtOnce(root: string, count: number): Promise<readonly string[]> {
  const children = Array.from({ length: count }, () => spawn(process.execPath, ['--input-type=module', '-e', taker, root], { stdio: ['pipe', 'pipe', 'inherit'] }));
  const said = children.map((child) => {
    const lines = child.stdout.setEncoding('utf8').iterator() as AsyncIterator<string>;
    return async (): Promise<string> => String((await lines.next()).value).trim();
  });
  expect(new Set(await Promise.all(said.map((next) => next())))).toEqual(new Set(['here']));
  for (const child of children) child.stdin.write('go');
  const results = await Promise.all(said.map((next) => next()));
  await Promise.all(children.map((child) => {
    child.stdin.end();
    return once(child, 'close');
  }));
  return results;
}

describe('takeLock', () => {
  it('is had by one, and given back', () => {
    const folder = newFolder();
    const release = takeLock(folder, content);
    expect(readLock(folder.lock)?.pid).toBe(process.pid);
    expect(() => takeLock(folder, content)).toThrow('engine.locked');
    expect(files(folder)).toEqual([basename(folder.lock)]);
    release();
    expect(files(folder)).toEqual([]);
  });

  it.each([['whose process has gone', stale], ['that a power cut emptied', ''], ['that is half of one', stale.slice(0, 20)]])('takes over a lock %s', (_, text) => {
    const folder = newFolder();
    writeFileSync(folder.lock, text);
    utimesSync(folder.lock, 1, 1);
    const release = takeLock(folder, content);
    expect(readLock(folder.lock)?.pid).toBe(process.pid);
    release();
    expect(files(folder)).toEqual([]);
  });

  it.each([['none', null], ['a stale one', stale]])('of eight processes that find %s at the same moment one has it', async (_, before) => {
    for (let round = 0; round < 3; round += 1) {
      const folder = newFolder();
      if (before !== null) writeFileSync(folder.lock, before);
      expect((await tryAtOnce(folder.root, 8)).toSorted()).toEqual([...Array<string>(7).fill('lost'), 'won']);
      expect(files(folder)).toEqual([basename(folder.lock)]);
    }
  });

  it('says what is wrong with a folder that is not there', () => {
    const folder = dataFolder(join(makeTestFolder('lock'), 'not', 'there'));
    let code: string | undefined;
    try {
      takeLock(folder, content);
    } catch (error) {
      code = problemOf(error)?.code;
    }
    expect(code).toBe('engine.data_dir');
  });

  it('is readable by its owner only', () => {
    const folder = newFolder();
    takeLock(folder, content);
    expect(JSON.parse(readFileSync(folder.lock, 'utf8'))).toMatchObject(content);
  });
});
