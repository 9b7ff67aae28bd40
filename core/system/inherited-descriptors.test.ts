import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decideInherited } from './inherited-descriptors.ts';

test.each([
  ['a socket of the starter', [[7, 'socket:[1]']], [[7, 'socket:[1]']], [7]],
  ['a socket of our own at the same number', [[7, 'socket:[2]']], [[7, 'socket:[1]']], []],
  ['at another number', [[8, 'socket:[1]']], [[7, 'socket:[1]']], []],
  ['a standard stream or the pipe', [[2, 'pipe:[1]'], [3, 'pipe:[2]']], [[2, 'pipe:[1]'], [3, 'pipe:[2]']], []],
  ['what has no identity', [[9, 'anon_inode:[eventpoll]'], [10, '/dev/null']], [[9, 'anon_inode:[eventpoll]'], [10, '/dev/null']], []],
] as const)('%s', (_, own, starters, expected) => {
  expect(decideInherited(new Map<number, string>(own), new Map<number, string>(starters), 3)).toEqual(expected);
});

test.runIf(process.platform === 'linux')('what the starter left open is closed; the standard streams, the pipe and all of our own stay', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'warpdeck-fd-'));
  const leaked = openSync(join(dir, 'leaked'), 'w');
  const script = `
    import { closeInheritedDescriptors } from ${JSON.stringify(join(import.meta.dirname, 'inherited-descriptors.ts'))};
    import { createServer } from 'node:net';
    import { openSync, fstatSync, writeSync } from 'node:fs';
    const own = openSync('/dev/null');
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const closed = closeInheritedDescriptors(3);
      fstatSync(own);
      writeSync(3, JSON.stringify({ closed, listening: server.listening }));
      server.close();
    });`;
  // The same number in both, as after a fork without close-on-exec.
  const stdio = [...Array<'ignore'>(2).fill('ignore'), 'inherit' as const, 'pipe' as const, ...Array<'ignore'>(leaked - 4).fill('ignore'), leaked];
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio });
  let said = '';
  child.stdio[3]?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  const code = await new Promise((resolve) => child.once('close', resolve));
  closeSync(leaked);
  rmSync(dir, { recursive: true, force: true });
  expect(code).toBe(0);
  const { closed, listening } = JSON.parse(said) as { closed: number[]; listening: boolean };
  expect(closed).toContain(leaked);
  expect(listening).toBe(true);
});
