import { execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { endEngine, startServe } from '../fixtures/faces.ts';
import { cleanEnvironment, node, repository, runCommand } from '../fixtures/programs.ts';
import { readInstalled, startRepairBench, type RepairBench } from '../fixtures/repair-bench.ts';
import { test as withModels } from '../fixtures/models-test.ts';
import { expect, test as base } from '../fixtures/test.ts';

/** The command line on the same fixture as the wizard; it needs no page, so it runs once. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
interface Bench extends RepairBench {
  readonly prefix: string;
  run(...args: readonly string[]): Promise<Ended>;
}

/** `input`: what comes on standard input; nothing by default. */
function runProduct(dataDir: string, env: Readonly<Record<string, string>>, args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(node, [join(repository, 'out/engine/cli.mjs'), ...args, '--data-dir', dataDir], { env: cleanEnvironment(env), maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

async function endServe(dataDir: string, child: ChildProcess): Promise<void> {
  if (child.exitCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    await ended;
  }
  await endEngine(dataDir);
}

const test = base.extend<{ readonly bench: Bench }>({
  bench: async ({ dataDir }, use) => {
    const bench = await startRepairBench();
    const prefix = await bench.makeVenv('.virtualenvs/chat-legacy');
    const { child } = await startServe(dataDir, `replay:${join(repository, 'e2e/fixtures/recordings/rtx-5090.jsonl')}`, bench.env);
    await runCommand(dataDir, ['call', 'settings.update', '--input', JSON.stringify(bench.settings)]);
    await use({
      ...bench, prefix,
      run: (...args) => runProduct(dataDir, bench.env, args),
    });
    await endServe(dataDir, child);
    await bench.stop();
  },
});
test.setTimeout(240_000);

/** One JSON value on standard output, and no other word. */
function parse(ended: Ended): Record<string, unknown> {
  const value: unknown = JSON.parse(ended.stdout);
  expect(value).toMatchObject({ schemaVersion: 1 });
  return value as Record<string, unknown>;
}

test('doctor, upgrade, rollback: exit codes, JSON and what is on disk', async ({ bench }) => {
  const { prefix, run } = bench;
  const before = readInstalled(prefix);
  expect(before.torch).toBe('2.4.1+cu121');

  const envs = await run('envs', '--json');
  expect(envs).toMatchObject({ code: 0, stderr: '' });
  const { environments: rows } = parse(envs) as { environments: { name: string; prefix: string; torch: string | null; cells: { verdict: string }[] }[] };
  expect(rows.find((r) => r.prefix === prefix)).toMatchObject({ name: 'chat-legacy', torch: '2.4.1+cu121', cells: [{ verdict: 'incompatible' }] });

  const sick = await run('doctor', '--env', prefix, '--json');
  expect(sick.code).toBe(1);
  const { environments: reports } = parse(sick) as { environments: { cells: { verdict: string; evidence: { place: string }[]; repairable: boolean }[] }[] };
  expect(reports).toHaveLength(1);
  expect(reports[0]?.cells[0]).toMatchObject({ verdict: 'incompatible', repairable: true });
  expect(reports[0]?.cells[0]?.evidence.every((e) => e.place !== '')).toBe(true);
  const told = await run('doctor', '--env', prefix);
  expect(told.code).toBe(1);
  expect(told.stdout).toContain('needs sm_120');
  // Judged for another GPU the same build is fine.
  expect(await run('doctor', '--env', prefix, '--for', 'RTX 4090', '--json')).toMatchObject({ code: 0 });

  const dry = await run('upgrade', prefix, '--dry-run', '--json');
  expect(dry.code).toBe(0);
  const { plan } = parse(dry) as { plan: { changes: { name: string; from: string | null; to: string | null }[]; commands: string[] } };
  expect(plan.changes.find((c) => c.name === 'torch')).toMatchObject({ from: '2.4.1', to: bench.newTorch.version });
  expect(plan.commands.length).toBeGreaterThan(0);
  const text = await run('upgrade', 'chat-legacy', '--dry-run');
  expect(text).toMatchObject({ code: 0 });
  expect(text.stdout).toContain(bench.newTorch.version);
  // Without --yes and without a terminal nothing is done.
  const unsure = await run('upgrade', prefix, '--json');
  expect(unsure.code).toBe(2);
  expect(JSON.parse(unsure.stdout)).toMatchObject({ schemaVersion: 1, problem: { severity: 'problem' } });
  expect(readInstalled(prefix)).toEqual(before);

  const done = await run('upgrade', prefix, '--yes', '--json');
  expect(done.code, `${done.stdout}${done.stderr}`).toBe(0);
  const { upgrade } = parse(done) as { upgrade: { id: string; state: string; canUndo: boolean; checks: { name: string; state: string }[] } };
  expect(upgrade).toMatchObject({ state: 'committed', canUndo: true });
  expect(upgrade.checks.filter((c) => c.state === 'passed').map((c) => c.name)).toEqual(expect.arrayContaining(['record', 'xray', 'import', 'pip_check']));
  expect(readInstalled(prefix)).toMatchObject({ torch: bench.newTorch.version, marker: 'cudnn for CUDA 13' });
  expect(await run('doctor', '--env', prefix)).toMatchObject({ code: 0 });

  const { upgrades } = parse(await run('upgrades', '--json')) as { upgrades: { id: string; state: string }[] };
  expect(upgrades).toEqual([expect.objectContaining({ id: upgrade.id, state: 'committed' })]);
  expect((await run('upgrades')).stdout).toContain('chat-legacy');

  const undone = await run('rollback', 'chat-legacy', '--yes', '--json');
  expect(undone.code, `${undone.stdout}${undone.stderr}`).toBe(0);
  expect(parse(undone)).toMatchObject({ upgrade: { kind: 'rollback', state: 'committed', undoes: upgrade.id } });
  expect(readInstalled(prefix)).toEqual(before);
  expect(await run('doctor', '--env', prefix)).toMatchObject({ code: 1 });
});

test('what is not there, and what cannot be undone, ends with its problem', async ({ bench }) => {
  const { run, prefix } = bench;
  const before = readInstalled(prefix);
  const nowhere = await run('upgrade', join(prefix, 'nowhere'), '--yes', '--json');
  expect(nowhere.code).not.toBe(0);
  expect(JSON.parse(nowhere.stdout)).toMatchObject({ schemaVersion: 1, problem: { code: 'env.not_found' } });
  const nothing = await run('rollback', 'chat-legacy', '--yes', '--json');
  expect(nothing.code).not.toBe(0);
  expect(JSON.parse(nothing.stdout)).toMatchObject({ schemaVersion: 1, problem: { code: 'upgrade.nothing_to_undo' } });
  // The index gives nothing any more: the plan fails, and says which.
  await bench.index.stop();
  const dead = await run('upgrade', prefix, '--yes', '--json');
  expect(dead.code).not.toBe(0);
  expect(JSON.parse(dead.stdout)).toMatchObject({ schemaVersion: 1, problem: { code: expect.stringMatching(/^upgrade\./), cause: expect.any(String), remedy: expect.any(String) } });
  expect(readInstalled(prefix)).toEqual(before);
});

const testModels = withModels.extend<{ readonly run: (args: readonly string[], input?: string) => Promise<Ended> }>({
  run: async ({ dataDir, engineEnv }, use) => {
    const { child } = await startServe(dataDir, 'none', engineEnv);
    await use((args, input) => runProduct(dataDir, engineEnv, args, input));
    await endServe(dataDir, child);
  },
});

testModels('models, load, ps --models, unload: exit codes and JSON', async ({ run, models }) => {
  const listed = await run(['models', '--json']);
  expect(listed).toMatchObject({ code: 0, stderr: '' });
  const { models: found } = parse(listed) as { models: readonly { id: string }[] };
  expect(found).toEqual([expect.objectContaining({ name: 'SmolLM2-135M-Instruct', path: join(models.folder, 'SmolLM2-135M-Instruct.Q4_1.gguf'), problems: [] })]);
  expect((await run(['models'])).stdout).toMatch(/SmolLM2-135M-Instruct +Q4_1/);
  expect(await run(['models', 'inspect', 'SmolLM2-135M-Instruct'])).toMatchObject({ code: 0, stdout: expect.stringContaining('ChatML') });
  expect(await run(['models', 'estimate', 'SmolLM2-135M-Instruct'])).toMatchObject({ code: 0, stdout: expect.stringContaining('+ fits') });
  expect(await run(['ps', '--models'])).toMatchObject({ code: 0, stdout: 'No model is in memory.\n' });

  const loaded = await run(['load', 'SmolLM2-135M-Instruct', '-c', '1024', '--json']);
  expect(loaded.code, `${loaded.stdout}${loaded.stderr}`).toBe(0);
  expect(parse(loaded)).toMatchObject({ loaded: { state: 'ready', contextTokens: 1024, truth: { backend: 'cpu', colour: 'grey', layersOnGpu: 0 } } });
  const inMemory = await run(['ps', '--models', '--json']);
  expect(inMemory.code).toBe(0);
  expect(parse(inMemory)).toMatchObject({ loaded: [{ name: 'SmolLM2-135M-Instruct', state: 'ready' }] });
  expect((await run(['ps', '--models'])).stdout).toMatch(/SmolLM2-135M-Instruct Q4_1 +ready/);
  expect(await run(['unload', 'SmolLM2-135M-Instruct'])).toMatchObject({ code: 0, stdout: 'Unloaded SmolLM2-135M-Instruct.\n' });

  // What is not there is a problem with its code; what cannot be meant is a usage error.
  const gone = await run(['unload', 'SmolLM2-135M-Instruct', '--json']);
  expect(gone.code).toBe(3);
  expect(parse(gone)).toMatchObject({ problem: { code: 'load.not_loaded' } });
  const unknown = await run(['load', 'no-such-model', '--json']);
  expect(unknown.code).toBe(3);
  expect(parse(unknown)).toMatchObject({ problem: { code: 'model.not_found' } });
  const wrong = await run(['load', '--backend', 'cuda', '--json']);
  expect(wrong.code).toBe(3);
  expect(parse(wrong)).toMatchObject({ problem: { code: expect.stringMatching(/^engine\./) } });
  expect(await run(['models', 'inspekt', 'x'])).toMatchObject({ code: 2, stderr: expect.stringContaining('inspect') });
});

testModels('chat --prompt answers, as text and as lines of JSON; the prompt may come on standard input', async ({ run }) => {
  const settings = ['--temp', '0', '--max-tokens', '16'];
  const told = await run(['chat', '--prompt', 'What is the capital of France?', ...settings]);
  expect(told.code, told.stderr).toBe(0);
  expect(told.stdout).toContain('Paris');
  expect(told.stderr).toMatch(/tok\/s · first token .* tokens · prompt/);
  const piped = await run(['chat', 'SmolLM2-135M-Instruct', ...settings], 'What is the capital of France?');
  expect(piped).toMatchObject({ code: 0, stdout: told.stdout });

  const json = await run(['chat', '--prompt', 'What is the capital of France?', '--json', ...settings]);
  expect(json.code).toBe(0);
  const lines = json.stdout.trim().split('\n').map((line): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>);
  expect(lines[0]).toMatchObject({ schemaVersion: 1 });
  expect(lines.filter((line) => line['t'] === 'text').map((line) => line['text']).join('')).toBe(told.stdout.trimEnd());
  expect(lines.at(-1)).toMatchObject({ t: 'end', reason: 'stop', problem: null, figures: { answerTokens: expect.any(Number), joules: null } });

  const schema = await run(['chat', '--prompt', 'Name a city.', '--json-schema', '{"type":"object","properties":{"city":{"type":"string","maxLength":12}},"required":["city"]}', '--temp', '0', '--quiet']);
  expect(schema.code, schema.stderr).toBe(0);
  expect(JSON.parse(schema.stdout)).toEqual({ city: expect.any(String) });

  expect(await run(['chat', '--prompt', ' '])).toMatchObject({ code: 2 });
  expect(await run(['chat', '--prompt', 'x', '--json-schema', '{'])).toMatchObject({ code: 2 });
  const nowhere = await run(['chat', 'no-such-model', '--prompt', 'x', '--json']);
  expect(nowhere.code).toBe(3);
  expect(nowhere.stdout).toContain('model.not_found');
  expect(await run(['chat', '--list'])).toMatchObject({ code: 0, stdout: 'No conversations are stored.\n' });
});
