import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../testing/test-folder.ts';
import { problemOf } from '../../contract/problem.ts';
import { writeFileAtomic } from './write-file-atomic.ts';

const source = fileURLToPath(new URL('write-file-atomic.ts', import.meta.url));
const folder = (): string => makeTestFolder('atomic');
const problemCode = (work: Promise<unknown>): Promise<string | undefined> => work.then(() => undefined, (error: unknown) => problemOf(error)?.code);

describe('writeFileAtomic', () => {
  it('writes, replaces, keeps the previous one and leaves nothing else behind', async () => {
    const dir = folder();
    const path = join(dir, 'config.json');
    await writeFileAtomic(path, 'one', { keepPrevious: true });
    expect(readdirSync(dir)).toEqual(['config.json']);
    await writeFileAtomic(path, Buffer.from('two'), { keepPrevious: true });
    await writeFileAtomic(path, 'three', { keepPrevious: true });
    expect(readFileSync(path, 'utf8')).toBe('three');
    expect(readFileSync(`${path}.previous`, 'utf8')).toBe('two');
    expect(readdirSync(dir).sort()).toEqual(['config.json', 'config.json.previous']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await writeFileAtomic(path, 'four', { mode: 0o644 });
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  it('replaces the target of a link, not the link', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'real'), 'old');
    symlinkSync(join(dir, 'real'), join(dir, 'link'));
    await writeFileAtomic(join(dir, 'link'), 'new');
    expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(dir, 'real'), 'utf8')).toBe('new');
  });

  it('says file.not_writable where the folder is missing, is a file, or the path is a folder', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), 'x');
    expect(await problemCode(writeFileAtomic(join(dir, 'missing', 'a'), 'x'))).toBe('file.not_writable');
    expect(await problemCode(writeFileAtomic(join(dir, 'file', 'a'), 'x'))).toBe('file.not_writable');
    expect(await problemCode(writeFileAtomic(dir, 'x'))).toBe('file.not_writable');
    expect(existsSync(join(dir, 'file'))).toBe(true);
  });

  it('says file.not_writable on a file system that is mounted read-only', () => {
    const script = `
      const { writeFileAtomic } = await import(${JSON.stringify(source)});
      let code = null;
      try { await writeFileAtomic(process.env.DIR + '/a', 'x'); } catch (error) { code = error.problem?.code ?? String(error); }
      console.log(JSON.stringify(code));`;
    expect(runOnTmpfs(script, 'size=1m,ro')).toBe('file.not_writable');
  });

  it('keeps the old file when there is some room, but not enough (a real 1 MB tmpfs)', () => {
    const script = `
      import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
      const { writeFileAtomic } = await import(${JSON.stringify(source)});
      const dir = process.env.DIR;
      const good = 'g'.repeat(300_000);
      await writeFileAtomic(dir + '/config.json', good);
      writeFileSync(dir + '/filler', 'f'.repeat(500_000));
      let code = null;
      try { await writeFileAtomic(dir + '/config.json', 'n'.repeat(300_000), { keepPrevious: true }); } catch (error) { code = error.problem?.code ?? String(error); }
      console.log(JSON.stringify({ code, kept: readFileSync(dir + '/config.json', 'utf8') === good, files: readdirSync(dir).sort() }));`;
    expect(runOnTmpfs(script)).toEqual({ code: 'file.disk_full', kept: true, files: ['config.json', 'filler'] });
  });
});

/** Runs a script with DIR set to a tmpfs of 1 MB, in a mount namespace of its own. */
function runOnTmpfs(script: string, options = 'size=1m'): unknown {
  const dir = folder();
  const shell = 'mount -t tmpfs -o "$OPTIONS" tmpfs "$DIR" && exec "$NODE" --input-type=module -e "$SCRIPT"';
  const result = spawnSync('unshare', ['-rm', 'sh', '-c', shell], { env: { ...process.env, DIR: dir, OPTIONS: options, NODE: process.execPath, SCRIPT: script }, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`The script failed: ${result.stderr}`);
  return JSON.parse(result.stdout);
}
