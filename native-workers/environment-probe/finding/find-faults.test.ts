// Environments as a bad day leaves them: all are listed, each with what is wrong; nothing hangs, nothing is run.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, constants, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { findReply, findRequest, type FindReply, type FindRequest } from '../../../contract/environment-probe.ts';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { findEnvironments } from './find-environments.ts';

const made: string[] = [];
const makeRoot = (): string => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'warpdeck-faults-')));
  made.push(root);
  return root;
};
const finalizers: (() => void)[] = [];
afterEach(() => { for (const finalize of finalizers.splice(0)) finalize(); });
afterAll(() => { for (const root of made) rmSync(root, { recursive: true, force: true }); });

function write(root: string, path: string, data: string | Uint8Array = ''): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, data);
  return full;
}

/** A real program of this machine, in the place of an interpreter: none is ever run. */
const program = realpathSync('/bin/sh');
/** A virtual environment as venv writes it, for Python 3.11. */
function makeVenv(root: string, path: string, options: { readonly config?: string | Uint8Array | null; readonly interpreter?: 'link' | 'none'; readonly site?: string } = {}): string {
  const prefix = join(root, path);
  mkdirSync(join(prefix, 'bin'), { recursive: true });
  const base = write(root, '.base/bin/python3.11');
  if (readFileSync(base).length === 0) {
    copyFileSync(program, base);
    chmodSync(base, 0o755);
    write(root, '.base/lib/python3.11/os.py');
  }
  const config = options.config === undefined ? `home = ${join(root, '.base/bin')}\nversion = 3.11.7\n` : options.config;
  if (config !== null) write(prefix, 'pyvenv.cfg', config);
  if (options.interpreter !== 'none') symlinkSync(base, join(prefix, 'bin', 'python'));
  mkdirSync(join(prefix, options.site ?? 'lib/python3.11/site-packages'), { recursive: true });
  return prefix;
}

const find = (request: Partial<FindRequest>, options?: Parameters<typeof findEnvironments>[1]): Promise<FindReply> => findEnvironments(findRequest.parse({ folders: [], interpreters: [], ...request }), options);
async function findOne(prefix: string): Promise<FoundEnvironment> {
  const reply = await find({ onlyGiven: true, folders: [prefix] });
  const [environment] = reply.environments;
  expect(reply.environments).toHaveLength(1);
  if (environment === undefined) throw new Error('not found');
  return environment;
}
/** The first 4 KiB of an ELF file with another machine. */
function foreignElf(machine: number): Buffer {
  const bytes = Buffer.from(readFileSync(program).subarray(0, 4096));
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}

describe('interpreters', () => {
  type Make = (bin: string) => void;
  const file = (data: string | Uint8Array, mode = 0o755): Make => (bin) => { chmodSync(write(bin, 'python', data), mode); };
  it.each<[string, Make, string, RegExp]>([
    ['whose base was removed', (bin) => { symlinkSync('/opt/gone/bin/python3.9', join(bin, 'python')); }, 'env.interpreter_missing', /links to \/opt\/gone\/bin\/python3\.9/],
    ['whose link goes on to one that was removed', (bin) => { symlinkSync('/opt/gone/python', join(bin, 'python3')); symlinkSync('python3', join(bin, 'python')); }, 'env.interpreter_missing', /links to \/opt\/gone\/python,/],
    ['that is a link to itself', (bin) => { symlinkSync('python', join(bin, 'python')); }, 'env.interpreter_broken', /circle/],
    ['that is a folder', (bin) => { mkdirSync(join(bin, 'python')); }, 'env.interpreter_broken', /a folder/],
    ['that is a FIFO', (bin) => { execFileSync('mkfifo', [join(bin, 'python')]); }, 'env.interpreter_broken', /no regular file/],
    ['that may not be run', (bin) => { copyFileSync(program, join(bin, 'python')); chmodSync(join(bin, 'python'), 0o644); }, 'env.interpreter_broken', /not executable/],
    ['that is empty', file(''), 'env.interpreter_broken', /empty/],
    ['that is text', file('hello\n'), 'env.interpreter_broken', /not a program/],
    ['that is a script', file('#!/bin/sh\ntouch /tmp/was-run\n'), 'env.interpreter_broken', /a script/],
    ['that was cut off', file(readFileSync(program).subarray(0, 5000)), 'env.interpreter_broken', /end is missing/],
    ['that was cut within its header', file(readFileSync(program).subarray(0, 30)), 'env.interpreter_broken', /end is missing/],
    ['for another processor', file(foreignElf(process.arch === 'x64' ? 183 : 62)), 'env.interpreter_broken', /a program for .*; this machine is/],
    ['for a processor without a name', file(foreignElf(4242)), 'env.interpreter_broken', /processor 4242/],
    ['of Windows', file('MZ'.padEnd(200, '\0')), 'env.interpreter_broken', /Windows/],
    ['of macOS', file(Buffer.from('cffaedfe0c000001', 'hex')), 'env.interpreter_broken', /macOS/],
    ['that is not there', () => undefined, 'env.interpreter_broken', /not there/],
  ])('one %s', async (_, make, code, words) => {
    const prefix = makeVenv(makeRoot(), 'app/.venv', { interpreter: 'none' });
    make(join(prefix, 'bin'));
    const environment = await findOne(prefix);
    expect(environment.problems).toMatchObject([{ code, cause: expect.stringMatching(words) }]);
    expect(environment).toMatchObject({ kind: 'venv', python: { version: '3.11.7' } });
  });

  it('a wrong home does no harm where the interpreter is a link, and is the end of a copy', async () => {
    const root = makeRoot();
    const linked = makeVenv(root, 'linked', { config: 'home = /nowhere/bin\nversion = 3.11.7\n' });
    expect(await findOne(linked)).toMatchObject({ problems: [], basePrefix: join(root, '.base') });
    const copied = makeVenv(root, 'copied', { config: 'home = /nowhere/bin\nversion = 3.11.7\n', interpreter: 'none' });
    copyFileSync(program, join(copied, 'bin', 'python'));
    expect((await findOne(copied)).problems).toMatchObject([{ code: 'env.interpreter_broken', cause: expect.stringContaining('/nowhere/bin') }]);
  });

  it('a base that became another version: the packages of the old one are not seen any more', async () => {
    const root = makeRoot();
    const prefix = makeVenv(root, 'old', { interpreter: 'none' });
    const newer = write(root, 'usr/bin/python3.13');
    copyFileSync(program, newer);
    chmodSync(newer, 0o755);
    symlinkSync(newer, join(prefix, 'bin', 'python'));
    const environment = await findOne(prefix);
    expect(environment.problems).toMatchObject([{ code: 'env.packages_missing', facts: { prefix, python: '3.13' } }]);
    expect(environment.packageFolders).toEqual([]);
  });

  it('none is run, nor a .pth', async () => {
    const root = makeRoot();
    const prefix = makeVenv(root, 'trap', { interpreter: 'none' });
    const mark = join(root, 'was-run');
    chmodSync(write(prefix, 'bin/python', `#!/bin/sh\ntouch ${mark}\n`), 0o755);
    write(prefix, 'lib/python3.11/site-packages/x.pth', `import pathlib; pathlib.Path(${JSON.stringify(mark)}).touch()\n`);
    write(prefix, 'lib/python3.11/site-packages/sitecustomize.py', `open(${JSON.stringify(mark)}, 'w')\n`);
    await findOne(prefix);
    expect(existsSync(mark)).toBe(false);
  });
});

describe('pyvenv.cfg', () => {
  it.each<[string, string | Uint8Array | null, RegExp]>([
    ['empty', '', /empty/],
    ['without a home', 'version = 3.11\n', /home/],
    ['in Latin-1', Buffer.from('home = /home/andr\xe9/bin\n', 'latin1'), /UTF-8/],
    ['of zeros', Buffer.alloc(5000), /zero bytes/],
  ])('%s', async (_, config, words) => {
    const environment = await findOne(makeVenv(makeRoot(), 'x', { config }));
    expect(environment.problems).toMatchObject([{ code: 'env.config_broken', cause: expect.stringMatching(words) }]);
    expect(environment).toMatchObject({ kind: 'venv', python: { version: '3.11' } });
  });
  it.each<[string, (path: string) => void, RegExp]>([
    ['that is a folder', (path) => { mkdirSync(path); }, /a folder/],
    ['that is a FIFO', (path) => { execFileSync('mkfifo', [path]); }, /no regular file/],
    ['that is a link to itself', (path) => { symlinkSync('pyvenv.cfg', path); }, /circle/],
    ['that gives a real EIO', (path) => { symlinkSync('/proc/self/mem', path); }, /cannot be read/],
  ])('%s', async (_, make, words) => {
    const prefix = makeVenv(makeRoot(), 'x', { config: null });
    make(join(prefix, 'pyvenv.cfg'));
    expect((await findOne(prefix)).problems).toMatchObject([{ code: 'env.config_broken', cause: expect.stringMatching(words) }]);
  });
});

describe('Pythons of other kinds', () => {
  it('free-threaded, PyPy, Python 2, a conda environment that lost its interpreter', async () => {
    const root = makeRoot();
    makeVenv(root, 'free', { config: `home = ${root}\nversion_info = 3.13.0.final.0\nvirtualenv = 20.26.0\ninclude-system-site-packages = false\n`, interpreter: 'none', site: 'lib/python3.13t/site-packages' });
    makeVenv(root, 'pypy', { config: `home = ${root}\nversion_info = 3.10.14.final.0\nvirtualenv = 20.26.0\n`, interpreter: 'none', site: 'lib/pypy3.10/site-packages' });
    makeVenv(root, 'two', { config: null, interpreter: 'none', site: 'lib/python2.7/site-packages' });
    write(root, 'two/bin/activate_this.py');
    write(root, 'lost/conda-meta/python-3.12.4-h5148396_1.json', '{}');
    mkdirSync(join(root, 'lost/lib/python3.12/site-packages'), { recursive: true });
    const { environments } = await find({ onlyGiven: true, folders: [root] });
    expect(environments.map((e) => [e.name, e.kind, e.python.version, e.python.implementation, e.python.abi, e.python.freeThreaded])).toEqual([
      ['free', 'virtualenv', '3.13.0', 'cpython', 'cp313t', true],
      ['lost', 'conda', '3.12.4', 'cpython', 'cp312', false],
      ['pypy', 'virtualenv', '3.10.14', 'pypy', null, false],
      ['two', 'virtualenv', '2.7', 'cpython', 'cp27', false],
    ]);
    expect(environments.every((e) => e.problems.some((p) => p.code === 'env.interpreter_broken'))).toBe(true);
  });

  it('shares the packages of its base, in the order of sys.path', async () => {
    const root = makeRoot();
    const prefix = makeVenv(root, 'shared', { config: `home = ${root}/.base/bin\nversion = 3.11.7\ninclude-system-site-packages = true\n` });
    const base = join(root, '.base/lib/python3.11/site-packages');
    mkdirSync(base, { recursive: true });
    const reply = await find({ home: root, onlyGiven: true, folders: [prefix] });
    expect(reply.environments).toMatchObject([{ sharesBasePackages: true, packageFolders: [join(prefix, 'lib/python3.11/site-packages'), base] }]);
    const user = join(root, '.local/lib/python3.11/site-packages');
    mkdirSync(user, { recursive: true });
    expect((await find({ home: root, onlyGiven: true, folders: [prefix] })).environments[0]?.packageFolders).toEqual([join(prefix, 'lib/python3.11/site-packages'), user, base]);
  });
});

describe('folders', () => {
  it('names that tempt: spaces, quotes, a newline, a leading dash, emoji, 255 bytes', async () => {
    const root = makeRoot();
    const names = ['with space', '-rf', 'quote"\'s', 'new\nline', '🔥 fire', 'ü'.repeat(127), '$(touch x)'];
    for (const name of names) makeVenv(root, `projects/${name}/.venv`);
    const { environments, problems } = await find({ home: root });
    expect(environments.map((e) => e.name).sort()).toEqual([...names].sort());
    expect(environments.flatMap((e) => e.problems)).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('loops of links, links to the outside, FIFOs and sockets on the way', async () => {
    const root = makeRoot();
    const outside = makeRoot();
    makeVenv(outside, 'far/.venv');
    makeVenv(root, 'projects/near/.venv');
    for (const [name, target] of [['self', 'self'], ['up', '..'], ['top', root], ['far', join(outside, 'far')], ['far-again', join(outside, 'far')], ['gone', '/gone']] as const) symlinkSync(target, join(root, 'projects', name));
    for (let i = 0; i < 20; i += 1) symlinkSync('.', join(root, 'projects/near', `loop${i}`));
    execFileSync('mkfifo', [join(root, 'projects', 'fifo'), join(root, 'projects/near/.fifo')]);
    const { environments, problems } = await find({ home: root });
    expect(environments.map((e) => e.prefix)).toEqual([join(root, 'projects/far/.venv'), join(root, 'projects/near/.venv')]);
    expect(problems).toEqual([]);
  });

  it('a huge tree ends at its limit, says so, and the environment beside it is found', async () => {
    const root = makeRoot();
    makeVenv(root, 'app/.venv');
    const data = join(root, 'data');
    for (let i = 0; i < 1500; i += 1) mkdirSync(join(data, `class-${i}`), { recursive: true });
    for (let i = 0; i < 5000; i += 1) writeFileSync(join(data, `image-${i}`), '');
    makeVenv(data, 'venv');
    const { environments, problems, foldersSeen } = await find({ home: root });
    expect(environments.map((e) => e.prefix)).toEqual([join(root, 'app/.venv'), join(root, 'data/venv')]);
    expect(problems).toMatchObject([{ code: 'env.unreadable', facts: { path: data, detail: expect.stringContaining('more entries') } }]);
    expect(foldersSeen).toBeLessThan(1500);
  }, 60_000);

  it.skipIf(process.getuid?.() !== 0)('one that this user may not read is named and does not stop the search', async () => {
    const root = makeRoot();
    makeVenv(root, 'open/.venv');
    makeVenv(root, 'closed/.venv');
    makeVenv(root, 'half/.venv');
    chmodSync(join(root, 'closed'), 0o700);
    chmodSync(join(root, 'half/.venv/pyvenv.cfg'), 0o600);
    chmodSync(root, 0o755);
    const nobody = 65534;
    chownSync(join(root, 'open'), nobody, nobody);
    const script = fileURLToPath(new URL('../fixtures/find-and-print.ts', import.meta.url));
    const reply = findReply.parse(JSON.parse(execFileSync(process.execPath, [script, root], { uid: nobody, gid: nobody, cwd: '/', encoding: 'utf8' })));
    expect(reply.environments.map((e) => [e.prefix, e.problems.map((p) => p.code)])).toEqual([[join(root, 'half/.venv'), ['env.config_broken']], [join(root, 'open/.venv'), []]]);
    expect(reply.problems).toMatchObject([{ code: 'env.unreadable', facts: { path: join(root, 'closed'), detail: expect.stringContaining('may not read') } }]);
  });

  it('a file system that does not answer is given up and named', async () => {
    const root = makeRoot();
    makeVenv(root, 'app/.venv');
    const fifo = join(root, 'fifo');
    execFileSync('mkfifo', [fifo]);
    // Real reads that wait for a writer hold every thread that serves the file system, as a dead mount does.
    const stuck = Array.from({ length: 64 }, () => readFile(fifo).catch(() => null));
    const free = (): void => {
      const writer = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
      rmSync(fifo);
      closeSync(writer);
    };
    const search = find({ onlyGiven: true, folders: [join(root, 'app')] }, { patienceMs: 300 });
    const reply = await search.finally(free);
    await Promise.all(stuck);
    expect(reply.environments).toEqual([]);
    expect(reply.problems).toContainEqual(expect.objectContaining({ code: 'env.unreadable', cause: expect.stringContaining('does not answer') }));
  });

  it('a search that is cancelled ends with the reason', async () => {
    const root = makeRoot();
    makeVenv(root, 'app/.venv');
    const controller = new AbortController();
    let steps = 0;
    const search = find({ home: root }, { signal: controller.signal, onStep: () => { if (++steps === 20) controller.abort(new Error('enough')); } });
    await expect(search).rejects.toThrow('enough');
  });

  it('a kernel whose environment was deleted is said', async () => {
    const root = makeRoot();
    const path = write(root, '.local/share/jupyter/kernels/old/kernel.json', JSON.stringify({ argv: ['/gone/env/bin/python', '-m', 'ipykernel_launcher'] }));
    expect((await find({ home: root })).problems).toMatchObject([{ code: 'env.interpreter_missing', facts: { path, target: '/gone/env/bin/python' } }]);
  });
});
