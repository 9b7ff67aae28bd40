import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../../contract/problem.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { createMemoryLogger, misbehavingWorker, problemFrom, until } from '../../supervisor/fixtures/test-support.ts';
import { isProcessAlive } from '../../supervisor/process-identity.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { runScript, type ScriptOptions } from './run-script.ts';

const scripts = fileURLToPath(new URL('../../../resources/python', import.meta.url));
const folder = realpathSync(makeTestFolder('scripts'));
const resources = join(folder, 'resources');
const supervisor = createSupervisor({ log: createMemoryLogger(), journalFolder: join(folder, 'journal') });
const { python: base } = pythonTools();
const strays: ChildProcess[] = [];
let made = 0;

beforeAll(() => {
  mkdirSync(join(resources, 'python'), { recursive: true });
  copyFileSync(join(scripts, '_channel.py'), join(resources, 'python', '_channel.py'));
  process.env['WARPDECK_RESOURCES'] = resources;
});
afterAll(async () => {
  delete process.env['WARPDECK_RESOURCES'];
  await supervisor.stopAll();
  for (const stray of strays) stray.kill('SIGKILL');
});

/** A script of ours with this body of `main(channel)`. */
function script(body: string, before = ''): string {
  const name = `test${++made}.py`;
  const indented = body.split('\n').map((line) => `    ${line}`).join('\n');
  writeFileSync(join(resources, 'python', name), `import ctypes, json, os, subprocess, sys, time\n${before}\nhere = os.path.dirname(os.path.abspath(__file__))\nchannel_module = type(sys)('channel')\nexec(compile(open(os.path.join(here, '_channel.py')).read(), '_channel.py', 'exec'), channel_module.__dict__)\ndef main(channel):\n${indented}\nchannel_module.run('${name}', main)\n`);
  return name;
}
/** A real environment; `pth` is a line of code that its interpreter runs at every start. */
function environment(pth?: string): string {
  const prefix = join(folder, `venv${++made}`);
  execFileSync(base, ['-m', 'venv', '--without-pip', prefix]);
  const [lib = ''] = readdirSync(join(prefix, 'lib'));
  if (pth !== undefined) writeFileSync(join(prefix, 'lib', lib, 'site-packages', 'says.pth'), `${pth}\n`);
  return join(prefix, 'bin', 'python');
}
/** A program in the place of the interpreter. */
function program(text: string): string {
  const path = join(folder, `program${++made}`);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

interface Heard { items: unknown[]; doing: string[]; log: string }
function run(name: string, options: Partial<ScriptOptions> = {}): { heard: Heard; answer: Promise<unknown> } {
  const heard: Heard = { items: [], doing: [], log: '' };
  const answer = runScript({
    supervisor, python: base, script: name, args: [], signal: new AbortController().signal, startTimeoutMs: 30_000, idleTimeoutMs: 30_000, totalTimeoutMs: 60_000,
    onItem: (data) => { heard.items.push(data); }, onProgress: ({ doing }) => { heard.doing.push(doing); }, onLog: (text) => { heard.log += text; }, ...options,
  });
  answer.catch(() => undefined);
  return { heard, answer };
}
const failure = (name: string, options: Partial<ScriptOptions> = {}): Promise<Problem> => problemFrom(run(name, options).answer);

describe.skipIf(process.platform === 'win32')('runScript', () => {
  it('hands over items and progress, answers the result; what is printed is log', async () => {
    const { heard, answer } = run(script("print('spam {\"t\": \"result\", \"data\": 1}')\nsubprocess.call(['echo', 'of a child'])\nos.write(1, b'raw\\n')\nchannel.progress(0.5, 'half')\nchannel.item({'größe': sys.argv[1:]})\nreturn {'folder': os.listdir('.'), 'cwd': os.getcwd(), 'isolated': sys.flags.isolated, 'utf8': sys.flags.utf8_mode}"), { args: ['a b', '--x'] });
    const result = await answer as { cwd: string };
    expect(result).toMatchObject({ folder: [], isolated: 1, utf8: 1 });
    expect(heard).toMatchObject({ items: [{ größe: ['a b', '--x'] }], doing: ['half'] });
    expect(heard.log).toContain('spam');
    expect(heard.log).toContain('of a child\n');
    expect(heard.log).toContain('raw\n');
    expect(existsSync(result.cwd)).toBe(false);
  });

  it('is not led astray by PYTHON variables, a json.py in the working folder, or a module beside the script', async () => {
    const elsewhere = join(folder, 'hijack');
    mkdirSync(elsewhere, { recursive: true });
    for (const at of [elsewhere, join(resources, 'python')]) writeFileSync(join(at, 'json.py'), 'raise SystemExit("hijacked")\n');
    const cwd = process.cwd();
    process.env['PYTHONHOME'] = '/nowhere';
    process.chdir(elsewhere);
    try {
      const { answer } = run(script('return json.__file__'), { env: { PYTHONPATH: elsewhere, PYTHONHOME: '/nowhere', PYTHONSTARTUP: '/nowhere' } });
      expect(await answer).toMatch(/json[/\\]__init__\.py$/);
    } finally {
      process.chdir(cwd);
      delete process.env['PYTHONHOME'];
    }
  });

  it('an environment that prints at every start, also our own words, is only noisy', async () => {
    const python = environment('import sys; sys.stdout.write("hello from a .pth\\n{\\"t\\": \\"result\\", \\"data\\": \\"forged\\"}\\n")');
    const { heard, answer } = run(script('return 1'), { python });
    expect(await answer).toBe(1);
    expect(heard.log).toContain('hello from a .pth');
  });

  it('an interpreter that forks at its start: one answer, and no one stays', async () => {
    const python = environment('import os; os.fork()');
    const { heard, answer } = run(script("channel.progress(None, '%d' % os.getpid())\ntime.sleep(0 if os.getpid() == os.getpgid(0) else 1000)\nreturn 1"), { python });
    expect(await answer).toBe(1);
    expect(heard.doing.map(Number).filter(isProcessAlive)).toEqual([]);
  });

  it('a null read: signal and the frame in which it was', async () => {
    const problem = await failure(script("channel.progress(None, 'import')\nctypes.string_at(0)\nreturn 1"));
    expect(problem).toMatchObject({ code: 'python.failed', facts: { how: 'signal', signal: 'SIGSEGV', doing: 'import' } });
    expect(problem.facts['frame']).toMatch(/ctypes.*, line \d+, in string_at$/);
    expect(problem.cause).toContain('SIGSEGV during "import". Last frame: ');
    expect(problem.chain).toEqual(['Fatal Python error: Segmentation fault']);
  });

  it('an exception, an exit of a library, and an abrupt end', async () => {
    expect(await failure(script("raise OSError('libcudnn.so.9: cannot open shared object file')"))).toMatchObject({ code: 'python.failed', facts: { how: 'problem', kind: 'exception', detail: 'OSError: libcudnn.so.9: cannot open shared object file' } });
    expect(await failure(script('sys.exit(4)'))).toMatchObject({ code: 'python.failed', facts: { kind: 'exception', detail: 'SystemExit: 4' } });
    expect(await failure(script("sys.stderr.write('last words\\n')\nos._exit(3)"))).toMatchObject({ code: 'python.failed', facts: { how: 'exit', exitCode: 3 }, chain: ['last words'] });
    expect(await failure(script('os._exit(0)'))).toMatchObject({ code: 'python.garbage' });
  });

  it('a hang before its first word, between two messages, and one that goes on for ever', async () => {
    const python = environment('import time; time.sleep(1000)');
    const atStart = run(script('return 1'), { python, startTimeoutMs: 500 });
    const between = run(script("channel.progress(None, 'matmul_fp16')\ntime.sleep(1000)"), { idleTimeoutMs: (doing) => (doing === 'matmul_fp16' ? 300 : 30_000) });
    const endless = run(script("while True:\n    channel.progress(None, 'on')\n    time.sleep(0.05)"), { totalTimeoutMs: 3000 });
    expect(await problemFrom(atStart.answer)).toMatchObject({ code: 'python.failed', facts: { how: 'start' } });
    const hung = await problemFrom(between.answer);
    expect(hung).toMatchObject({ code: 'python.failed', facts: { how: 'idle', doing: 'matmul_fp16' } });
    // Asked to end, it says where it was.
    expect(hung.facts['frame']).toMatch(/test\d+\.py, line \d+, in main$/);
    expect(await problemFrom(endless.answer)).toMatchObject({ code: 'python.failed', facts: { how: 'total' } });
  });

  it('floods: lines without end, a line without end, and 10 MB in one line before a good answer', async () => {
    const lines = run(script("while True:\n    print('y' * 1000)"));
    const line = run('yes.py', { python: program('#!/bin/sh\nexec tr "\\0" x < /dev/zero\n') });
    expect(await problemFrom(lines.answer)).toMatchObject({ code: 'python.garbage' });
    expect(lines.heard.log.length).toBeLessThan(1_100_000);
    expect(await problemFrom(line.answer)).toMatchObject({ code: 'python.garbage' });
    const name = script("return 'fine'");
    const wide = run(name, { python: program(`#!/bin/sh\nhead -c 10000000 /dev/zero | tr "\\0" x\necho\nexec ${base} "$@"\n`) });
    expect(await wide.answer).toBe('fine');
  });

  it.each([
    ['says nothing and ends well', '#!/bin/sh\n'],
    ['says something else', '#!/bin/sh\necho Python 9\n'],
    ['speaks our words wrongly', '#!/bin/sh\necho \'{"t":"hello","script":7}\'\n'],
    ['is another script', '#!/bin/sh\necho \'{"t":"hello","script":"x.py","python":"3","pid":1}\'\necho \'{"t":"result","data":1}\'\n'],
    ['is binary', '#!/bin/sh\nhead -c 300000 /dev/urandom\n'],
  ])('an interpreter that %s is python.garbage', async (_, text) => {
    expect(await failure('any.py', { python: program(text) })).toMatchObject({ code: 'python.garbage' });
  });

  it('an interpreter that does not start', async () => {
    const loop = join(folder, 'loop');
    symlinkSync(loop, loop);
    expect(await failure('any.py', { python: loop })).toMatchObject({ code: 'program.not_found' });
    expect(await failure('any.py', { python: folder })).toMatchObject({ code: 'program.not_executable' });
    expect(await failure('any.py', { python: program('print(1)\n') })).toMatchObject({ code: 'program.not_executable' });
    expect(await failure('any.py', { python: program('#!/bin/sh\necho "Unknown option: -I" >&2\nexit 2\n') })).toMatchObject({ code: 'python.failed', chain: ['Unknown option: -I'] });
    expect(await failure('not-there.py')).toMatchObject({ code: 'python.failed', facts: { exitCode: 2 } });
  });

  it('looking leaves no bytecode behind, neither beside the script nor in the environment', async () => {
    const python = environment();
    const packages = join(python, '..', '..', 'lib', readdirSync(join(python, '..', '..', 'lib'))[0] ?? '', 'site-packages');
    writeFileSync(join(packages, 'looked_at.py'), 'x = 1\n');
    expect(await run(script('import looked_at\nreturn looked_at.x'), { python }).answer).toBe(1);
    expect(readdirSync(packages)).toEqual(['looked_at.py']);
    expect(readdirSync(join(resources, 'python'))).not.toContain('__pycache__');
  });

  it('one that does not end after its answer is ended', async () => {
    const name = script('return 5');
    expect(await run(name, { python: program(`#!/bin/sh\n${base} "$@"\nexec sleep 1000\n`) }).answer).toBe(5);
  });

  const family = "child = subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(1000)'], stdout=subprocess.PIPE)\nchild.stdout.readline()\nchannel.progress(None, '%d %d ready' % (os.getpid(), child.pid))\ntime.sleep(1000)";

  it('cancel: it and its grandchild, which ignores SIGTERM, are gone', async () => {
    const cancel = new AbortController();
    const { heard, answer } = run(script(family), { signal: cancel.signal });
    await until(() => heard.doing.length > 0, 20_000);
    const pids = heard.doing[0]?.match(/\d+/g)?.map(Number) ?? [];
    expect(pids.map(isProcessAlive)).toEqual([true, true]);
    cancel.abort(new Error('cancelled by the test'));
    await expect(answer).rejects.toThrow('cancelled by the test');
    expect(pids.map(isProcessAlive)).toEqual([false, false]);
    await expect(run(script('return 1'), { signal: cancel.signal }).answer).rejects.toThrow('cancelled by the test');
  });

  it('an engine that is killed with -9 takes script and grandchild along', async () => {
    const fixture = fileURLToPath(new URL('../../supervisor/fixtures/engine-to-kill.ts', import.meta.url));
    const engine = spawn(process.execPath, [fixture, misbehavingWorker, join(folder, 'journal2'), base, '-I', '-u', join(resources, 'python', script(family))], { stdio: ['ignore', 'pipe', 'inherit'] });
    strays.push(engine);
    let said = '';
    engine.stdout.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    await until(() => said.includes('\n'), 30_000);
    const pids = (/(\d+) (\d+) ready/.exec(said) ?? []).slice(1).map(Number);
    expect(pids.map(isProcessAlive)).toEqual([true, true]);
    engine.kill('SIGKILL');
    await once(engine, 'exit');
    await until(() => !pids.some(isProcessAlive));
  });
});

describe('the scripts', () => {
  const names = readdirSync(scripts).filter((name) => name.endsWith('.py'));

  // Ours among them; NumPy where there is no PyTorch.
  const known = new Set([...names.map((name) => name.slice(0, -'.py'.length)), 'torch', 'numpy']);

  it.each(names)('%s parses as Python 3.8 and imports the standard library, PyTorch and NumPy only', (name) => {
    const code = 'import ast, sys\ntree = ast.parse(open(sys.argv[1]).read(), feature_version=(3, 8))\nfor node in ast.walk(tree):\n    for alias in getattr(node, "names", []) if isinstance(node, ast.Import) else []:\n        print(alias.name.split(".")[0])\n    if isinstance(node, ast.ImportFrom): print(node.module.split(".")[0])';
    const imported = execFileSync(base, ['-I', '-c', code, join(scripts, name)], { encoding: 'utf8' }).split('\n').filter(Boolean);
    const standard = new Set(execFileSync(base, ['-I', '-c', 'import sys; print("\\n".join(sys.stdlib_module_names))'], { encoding: 'utf8' }).split('\n'));
    expect(imported.filter((module) => !standard.has(module) && !known.has(module))).toEqual([]);
  });
});
