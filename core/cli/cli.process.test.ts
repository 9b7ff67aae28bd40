// The command line as a process: real engine, real sockets and files, simulated devices.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'warpdeck-cli-'));
const dataDir = join(folder, 'data');
const env: NodeJS.ProcessEnv = { ...process.env, XDG_RUNTIME_DIR: folder };
for (const name of ['WARPDECK_GPUS', 'WARPDECK_DATA_DIR', 'WARPDECK_PORT', 'WARPDECK_TOKEN', 'NODE_OPTIONS', 'FORCE_COLOR']) delete env[name];

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}
interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Settles when standard output holds the text. */
  until(text: string): Promise<string>;
}

function start(args: readonly string[], extra: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [main, ...args], { env: { ...env, ...extra }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const waiting: { text: string; resolve: (all: string) => void }[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const w of waiting) if (stdout.includes(w.text)) w.resolve(stdout);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => { stderr += chunk; });
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null, stdout, stderr }));
  return {
    child, ended,
    until: (text) => new Promise((resolve, reject) => {
      if (stdout.includes(text)) resolve(stdout);
      waiting.push({ text, resolve });
      void ended.then((e) => { reject(new Error(`ended with ${String(e.code)} before "${text}": ${e.stdout}${e.stderr}`)); });
    }),
  };
}
const run = (...args: readonly string[]): Promise<Ended> => start(args).ended;
const here = (...args: readonly string[]): Promise<Ended> => run(...args, '--data-dir', dataDir);
const json = (ended: Ended): Record<string, unknown> => JSON.parse(ended.stdout) as Record<string, unknown>;

async function untilJobRuns(): Promise<void> {
  for (const deadline = Date.now() + 10_000; ;) {
    const { jobs } = json(await here('jobs', '--json')) as { jobs: { state: string }[] };
    if (jobs.some((j) => j.state === 'running')) return;
    expect(Date.now()).toBeLessThan(deadline);
  }
}

describe('without an engine', () => {
  it('answers help and version, also as JSON', async () => {
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('gpus');
    expect(help.stdout).toContain('doctor');
    expect(help.stdout).toContain('optimize');
    expect((await run('gpus', '--help')).stdout).toContain('warpdeck gpus --watch');
    expect(json(await run('--version', '--json'))).toMatchObject({ schemaVersion: 1, version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  it('ends usage errors with 2, with a near match, as JSON where asked', async () => {
    const unknown = await run('gpus', '--jsn');
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('Did you mean --json?');
    const asJson = await run('gpuss', '--json');
    expect(asJson.code).toBe(2);
    expect(json(asJson)).toMatchObject({ schemaVersion: 1, problem: { code: 'usage.unknown', remedy: expect.any(String) } });
    expect((await run('gpus', '--gpus', 'cuda')).stderr).toContain('gpu.unknown_source');
  });

  it('refuses words that measuring does not know, as JSON too, and starts no engine for it', async () => {
    for (const words of [['bench', 'rn'], ['bench', 'ls', 'more'], ['bench', 'run', 'matmul', '--seconds', 'NaN'], ['optimize', 'meassure'], ['optimize', 'applied', 'more'], ['optimize', 'measure'], ['optimize', 'run', '--json', '--', 'true'], ['tune', 'model', '--budget', '1e99'], ['tune', 'a', 'b']]) {
      const ended = await run(...words, ...(words.includes('--json') ? [] : ['--json']), '--data-dir', join(folder, 'nothing'));
      expect(ended.code, words.join(' ')).toBe(2);
      expect(json(ended)).toMatchObject({ problem: { code: 'usage.unknown', cause: expect.any(String), remedy: expect.any(String) } });
    }
    expect(existsSync(join(folder, 'nothing'))).toBe(false);
  });

  it('lists operations and their schemas', async () => {
    const { operations } = json(await run('api', '--json')) as { operations: { name: string; effect: string; input: unknown }[] };
    expect(operations.find((o) => o.name === 'gpus.terminate')).toMatchObject({ effect: 'destructive', input: { type: 'object' } });
    const near = await run('api', 'gpus.lst');
    expect(near).toMatchObject({ code: 2 });
    expect(near.stderr).toContain('Did you mean "gpus.list"?');
  });

  it('stops nothing where nothing runs, and starts nothing for it', async () => {
    const stopped = await run('stop', '--json', '--data-dir', join(folder, 'nothing'));
    expect(stopped.code).toBe(0);
    expect(json(stopped)).toEqual({ schemaVersion: 1, stopped: false, pid: null });
    expect(existsSync(join(folder, 'nothing'))).toBe(false);
  });

  it('writes a completion script that bash takes and that completes', async () => {
    const script = (await run('completion', 'bash')).stdout;
    const file = join(folder, 'completion.bash');
    writeFileSync(file, `${script}\ncomplete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _warpdeck; echo "\${COMPREPLY[*]}"; }\ncomplete_line warpdeck gp\ncomplete_line warpdeck --gpus simulate:2 exp\ncomplete_line warpdeck export --fo\ncomplete_line warpdeck jobs can\n`);
    const bash = spawn('bash', [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    bash.stdout.setEncoding('utf8').on('data', (text: string) => { said += text; });
    await once(bash, 'close');
    expect(said.trim().split('\n')).toEqual(['gpus', 'export', '--format', 'cancel']);
    expect((await run('completion', 'csh')).code).toBe(2);
  });
});

describe('with an engine', () => {
  let serve: Running;
  let address: { url: string; token: string; pid: number };
  beforeAll(async () => {
    serve = start(['serve', '--gpus', 'simulate:4', '--port', '0', '--json', '--data-dir', dataDir]);
    address = JSON.parse(await serve.until('\n')) as typeof address;
  });
  afterAll(async () => {
    serve.child.kill('SIGINT');
    await serve.ended;
    await here('stop', '--cancel-jobs');
    rmSync(folder, { recursive: true, force: true });
  });

  it('serves: health without a token, the rest with it', async () => {
    expect((await fetch(new URL('/health', address.url))).status).toBe(204);
    expect((await fetch(new URL('/api/gpus', address.url))).status).toBe(401);
    expect((await fetch(new URL('/api/gpus', address.url), { headers: { authorization: `Bearer ${address.token}` } })).status).toBe(200);
  });

  it('prints devices as a table and as one document', async () => {
    const table = await here('gpus');
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toContain("Simulated: not this machine's GPUs");
    expect(table.stdout.split('\n').filter((l) => / W /.test(l)).length).toBe(4);
    const document = json(await here('gpus', '--json')) as { schemaVersion: number; simulated: boolean; devices: { sample: { fast: unknown; medium: unknown } }[] };
    expect(document).toMatchObject({ schemaVersion: 1, simulated: true });
    expect(document.devices.length).toBe(4);
    for (const device of document.devices) expect(device.sample).toMatchObject({ fast: { utilGpuPercent: expect.any(Number) }, medium: { tempCelsius: expect.any(Number) } });
  });

  it('lists processes', async () => {
    const document = json(await here('ps', '--json')) as { processes: { pid: number; gpuIndex: number; canTerminate: boolean }[] };
    expect(document.processes.length).toBeGreaterThan(0);
    expect(document.processes.every((p) => !p.canTerminate)).toBe(true);
    expect((await here('ps')).stdout).toContain('COMMAND');
  });

  it('shares the engine, and runs its own for other GPUs', async () => {
    expect(json(await here('call', 'engine.info'))).toMatchObject({ pid: address.pid, ephemeral: false });
    const own = json(await here('call', 'engine.info', '--gpus', 'simulate:2'));
    expect(own).toMatchObject({ sourceSpec: 'simulate:2', ephemeral: true });
    const second = await here('serve', '--gpus', 'simulate:2');
    expect(second.code).toBe(3);
    expect(second.stderr).toContain('engine.gpus_differ');
  });

  it('gives the address again to a second serve, and leaves the first alone', async () => {
    const second = start(['serve', '--data-dir', dataDir]);
    expect(await second.until('\n')).toContain(`${address.url}#token=${address.token}`);
    second.child.kill('SIGINT');
    expect((await second.ended).code).toBe(0);
    expect((await fetch(new URL('/health', address.url))).status).toBe(204);
  });

  it('calls operations: one answer, a stream until Ctrl+C, a Problem', async () => {
    expect(json(await here('call', 'gpus.list', '--json'))).toMatchObject({ schemaVersion: 1, operation: 'gpus.list', result: { sourceSpec: 'simulate:4' } });
    const stream = start(['call', 'gpus.watch', '--input', '{"rateHz":10}', '--json', '--data-dir', dataDir]);
    await stream.until('"frame"');
    stream.child.kill('SIGINT');
    const ended = await stream.ended;
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout.trim().split('\n').map((l) => JSON.parse(l) as { schemaVersion?: number })[0]).toMatchObject({ schemaVersion: 1 });
    const refused = await here('call', 'jobs.get', '--input', '{"id":"no-such"}', '--json');
    expect(refused.code).toBe(3);
    expect(json(refused)).toMatchObject({ problem: { code: 'job.not_found', cause: expect.stringContaining('no-such') } });
    expect(await here('call', 'gpus.watch', '--input', '{"rateHz":"x"}')).toMatchObject({ code: 3, stderr: expect.stringContaining('input.invalid') });
    expect(await here('call', 'gpus.list', '--input', '{')).toMatchObject({ code: 2, stderr: expect.stringContaining('not JSON') });
  });

  it('is quiet when its reader has enough', async () => {
    const child = spawn('sh', ['-c', `"$0" "$1" gpus --watch --interval 100 --json --data-dir "$2" | head -n 3; exit 0`, process.execPath, main, dataDir], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    let stdout = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
    child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
    await once(child, 'close');
    expect(stderr).toBe('');
    const lines = stdout.trim().split('\n').map((l) => JSON.parse(l) as Record<string, unknown>);
    expect(lines.length).toBe(3);
    expect(lines[0]).toHaveProperty('schemaVersion', 1);
  });

  it('records, ends a recording early, and plays both', async () => {
    const file = join(folder, 'rec.jsonl');
    expect(json(await here('record', file, '--seconds', '1', '--json'))).toMatchObject({ path: file, cancelled: false, job: { state: 'done' } });
    expect(JSON.parse(readFileSync(file, 'utf8').split('\n')[0] ?? '')).toMatchObject({ kind: 'warpdeck-recording' });
    expect(await here('record', file, '--seconds', '1')).toMatchObject({ code: 3, stderr: expect.stringContaining('--force') });
    const early = join(folder, 'early.jsonl');
    const recording = start(['record', early, '--seconds', '600', '--json', '--data-dir', dataDir]);
    await untilJobRuns();
    recording.child.kill('SIGINT');
    const ended = await recording.ended;
    expect(ended.code).toBe(0);
    expect(json(ended)).toMatchObject({ path: early, cancelled: true });
    const played = json(await here('gpus', '--gpus', `replay:${file}`, '--json')) as { source: string; devices: unknown[] };
    expect(played).toMatchObject({ source: 'replay', simulated: true });
    expect(played.devices.length).toBe(4);
  });

  it('exports history to standard output and into a file', async () => {
    // What has been read is in the history within a flush of it: asked until it is.
    for (const deadline = Date.now() + 10_000; ;) {
      const csv = await here('export', '--from', '-1h');
      expect(csv.code).toBe(0);
      expect(csv.stdout.split('\n')[0]).toContain('utilGpuPercent');
      if (csv.stdout.trim().split('\n').length > 4) break;
      expect(Date.now()).toBeLessThan(deadline);
    }
    const file = join(folder, 'history.jsonl');
    expect(json(await here('export', '--from', '-1h', '-o', file, '--json'))).toMatchObject({ path: file, format: 'jsonl' });
    expect(JSON.parse(readFileSync(file, 'utf8').split('\n')[0] ?? '')).toBeTypeOf('object');
    expect(await here('export', '-o', join(folder, 'no', 'folder', 'x.csv'))).toMatchObject({ code: 3, stderr: expect.stringContaining('file.not_writable') });
    expect((await here('export', '--from', 'now', '--to', '-1h')).code).toBe(2);
  });

  it('reads and changes settings', async () => {
    expect((await here('settings', 'set', 'monitor.range', '15m')).stdout).toBe('15m\n');
    expect(json(await here('settings', 'get', 'monitor.range', '--json'))).toMatchObject({ schemaVersion: 1, value: '15m' });
    expect(await here('settings', 'set', 'monitor.range', 'soon')).toMatchObject({ code: 3, stderr: expect.stringContaining('input.invalid') });
    expect(await here('settings', 'get', 'monitor.rnge')).toMatchObject({ code: 2, stderr: expect.stringContaining('monitor.range') });
  });

  it('refuses to stop over a running job, then cancels it and stops', async () => {
    const recording = start(['record', join(folder, 'cut.jsonl'), '--seconds', '600', '--data-dir', dataDir]);
    await untilJobRuns();
    const refused = await here('stop', '--json');
    expect(refused.code).toBe(3);
    expect(json(refused)).toMatchObject({ problem: { code: 'engine.jobs_running' } });
    expect(json(await here('stop', '--cancel-jobs', '--json'))).toMatchObject({ stopped: true, pid: address.pid });
    expect(() => process.kill(address.pid, 0)).toThrow();
    expect((await serve.ended).code).toBe(0);
    await recording.ended;
  });

  it('ends its engine with Ctrl+C when nobody else uses it', async () => {
    const alone = start(['serve', '--gpus', 'simulate:1', '--port', '0', '--json', '--data-dir', join(folder, 'alone')], { WARPDECK_TOKEN: 'a-token-of-mine-0123' });
    const said = JSON.parse(await alone.until('\n')) as typeof address;
    expect(said.token).toBe('a-token-of-mine-0123');
    alone.child.kill('SIGINT');
    expect((await alone.ended).code).toBe(0);
    expect(() => process.kill(said.pid, 0)).toThrow();
  });

  it('leaves it running with --detach; a taken port is a Problem and leaves no engine behind', async () => {
    const dir = join(folder, 'detached');
    const said = json(await run('serve', '--detach', '--gpus', 'simulate:1', '--port', '0', '--json', '--data-dir', dir)) as { pid: number; port: number; url: string };
    expect((await fetch(new URL('/health', said.url))).status).toBe(204);
    const taken = await run('serve', '--gpus', 'simulate:1', '--port', String(said.port), '--data-dir', join(folder, 'taken'));
    expect(taken).toMatchObject({ code: 3, stderr: expect.stringContaining('web.port_taken') });
    expect(json(await run('stop', '--json', '--data-dir', join(folder, 'taken')))).toMatchObject({ stopped: false });
    expect(json(await run('stop', '--json', '--data-dir', dir))).toMatchObject({ stopped: true, pid: said.pid });
  });
});
