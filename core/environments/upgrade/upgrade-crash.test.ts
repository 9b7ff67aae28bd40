import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Problem } from '../../../contract/problem.ts';
import type { Upgrade } from '../../../contract/upgrades.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { copyTestEnvironment, listTree, makeTestEnvironment, type TestEnvironment } from './fixtures/test-environment.ts';

interface Answer {
  readonly result: Upgrade | Upgrade[] | null;
  readonly problem: Problem | null;
  readonly operations: number;
  readonly journalLines: number;
}
type DieAt = { readonly kind: 'operation' | 'journal' | 'tool'; readonly n: number } | null;
interface Order {
  readonly do: 'apply' | 'rollback' | 'recover';
  readonly dieAt?: DieAt;
  readonly toolMode?: string;
  readonly verifyFails?: boolean;
}

/** Two at a time: a point is mostly the start of two processes. */
const LANES = 2;
interface Lane {
  readonly environment: TestEnvironment;
  readonly dataFolder: string;
}
let lanes: Lane[] = [];
let start = '';
let goal = '';

/** Null: it was killed. */
function engine(lane: Lane, order: Order): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify({ ...order, dataFolder: lane.dataFolder, environment: lane.environment.found, next: lane.environment.next });
    const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'upgrade-process.ts'), text], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (data: Buffer) => { out += data.toString(); });
    child.stderr.on('data', (data: Buffer) => { err += data.toString(); });
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(null);
      else if (code === 0) resolve(JSON.parse(out));
      else reject(new Error(`${code} ${signal}: ${err}`));
    });
  });
}

async function finish(lane: Lane, order: Order): Promise<Answer> {
  const answer = await engine(lane, order);
  if (answer === null) throw new Error('it was killed');
  return answer;
}

function reset({ environment, dataFolder }: Lane): void {
  environment.reset();
  rmSync(dataFolder, { recursive: true, force: true });
}

const stateOf = ({ environment }: Lane): 'start' | 'goal' | 'between' => {
  const tree = listTree(environment.prefix);
  return tree === start ? 'start' : tree === goal ? 'goal' : 'between';
};

/** No lock, no work folder, no half snapshot is left anywhere. */
function expectTidy(lane: Lane, kept: number): void {
  expect(readdirSync(join(lane.environment.prefix, '..'))).toEqual(['.venv']);
  if (!existsSync(lane.dataFolder)) return;
  expect(readdirSync(lane.dataFolder).filter((id) => existsSync(join(lane.dataFolder, id, 'snapshot'))).length).toBe(kept);
  expect(readdirSync(lane.dataFolder).flatMap((id) => readdirSync(join(lane.dataFolder, id))).filter((name) => !['journal.jsonl', 'upgrade.json', 'snapshot'].includes(name))).toEqual([]);
}

async function everyPoint(points: readonly DieAt[], run: (lane: Lane, dieAt: DieAt) => Promise<void>): Promise<void> {
  const waiting = [...points];
  // No lane goes on when a test has failed: it would meet the next one.
  const ended = await Promise.allSettled(lanes.map(async (lane) => {
    for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) await run(lane, point).catch((error: unknown) => { waiting.length = 0; throw error; });
  }));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

/** Evenly chosen ones; with WARPDECK_TEST_ALL_POINTS=1 all of them, which takes ten minutes. */
function choose(kind: 'operation' | 'journal' | 'tool', all: number, some: number): DieAt[] {
  const count = process.env['WARPDECK_TEST_ALL_POINTS'] === '1' ? all : some;
  const step = Math.max(1, all / count);
  return [...new Set(Array.from({ length: Math.min(all, count) }, (_, i) => 1 + Math.floor(i * step)))].map((n) => ({ kind, n }));
}

beforeAll(async () => {
  const made = makeTestEnvironment(makeTestFolder('crash'));
  lanes = Array.from({ length: LANES }, () => {
    const folder = makeTestFolder('crash');
    return { environment: copyTestEnvironment(made, folder), dataFolder: join(folder, 'upgrades') };
  });
  const [lane] = lanes;
  if (lane === undefined) throw new Error('no lane');
  start = listTree(lane.environment.prefix);
  await finish(lane, { do: 'apply' });
  goal = listTree(lane.environment.prefix);
  expect(goal).not.toBe(start);
}, 120_000);

describe('an engine that is killed', () => {
  test('at each journal step and file operation of an upgrade leaves the start or the goal', { timeout: 1_200_000 }, async () => {
    const [lane] = lanes as [Lane];
    reset(lane);
    const whole = await finish(lane, { do: 'apply' });
    const seen = { start: 0, goal: 0 };
    const points = [...choose('journal', whole.journalLines, 100), ...choose('operation', whole.operations, 36)];
    expect(points.length).toBeGreaterThanOrEqual(40);
    await everyPoint(points, async (where, dieAt) => {
      reset(where);
      expect(await engine(where, { do: 'apply', dieAt }), JSON.stringify(dieAt)).toBeNull();
      const recovered = await finish(where, { do: 'recover' });
      const state = stateOf(where);
      expect(state, JSON.stringify(dieAt)).not.toBe('between');
      if (state !== 'between') seen[state] += 1;
      for (const one of recovered.result as Upgrade[]) {
        expect(one.state).toBe(state === 'start' ? 'rolled_back' : 'committed');
        if (state === 'start') expect(one.problem?.code).toBe('upgrade.interrupted');
      }
      expectTidy(where, state === 'goal' ? 1 : 0);
      expect((await finish(where, { do: 'recover' })).result).toEqual([]);
    });
    expect(seen.start).toBeGreaterThan(0);
    expect(seen.goal).toBeGreaterThan(0);
  });

  test('at each step of putting back by itself leaves the start, also when recovery is killed as well', { timeout: 1_200_000 }, async () => {
    const [lane] = lanes as [Lane];
    reset(lane);
    const failing: Order = { do: 'apply', verifyFails: true };
    const whole = await finish(lane, failing);
    expect(whole.problem?.code).toBe('upgrade.verify_failed');
    expect(stateOf(lane)).toBe('start');
    reset(lane);
    await engine(lane, { do: 'apply', dieAt: { kind: 'journal', n: 4 }, toolMode: 'ok' });
    await everyPoint([...choose('journal', whole.journalLines, 100), ...choose('operation', whole.operations, 14)], async (where, dieAt) => {
      reset(where);
      expect(await engine(where, { ...failing, dieAt })).toBeNull();
      // The engine that recovers dies too, at an operation that moves with the point.
      await engine(where, { do: 'recover', dieAt: { kind: 'operation', n: 3 + ((dieAt?.n ?? 0) % 40) } });
      await finish(where, { do: 'recover' });
      expect(stateOf(where), JSON.stringify(dieAt)).toBe('start');
      expectTidy(where, 0);
    });
  });

  test('while the tool writes, which goes on writing: it is ended first, and the start is put back', { timeout: 300_000 }, async () => {
    await everyPoint(choose('tool', 20, 4), async (where, dieAt) => {
      reset(where);
      expect(await engine(where, { do: 'apply', dieAt, toolMode: `endless:${dieAt?.n ?? 1}` })).toBeNull();
      const recovered = await finish(where, { do: 'recover' });
      expect((recovered.result as Upgrade[]).map((one) => one.problem?.code)).toEqual(['upgrade.interrupted']);
      expect(stateOf(where)).toBe('start');
      // Nobody writes any more.
      expectTidy(where, 0);
    });
  });

  test('while an upgrade is undone leaves the one or the other, and it can be undone then', { timeout: 1_200_000 }, async () => {
    const [lane] = lanes as [Lane];
    reset(lane);
    await finish(lane, { do: 'apply' });
    const whole = await finish(lane, { do: 'rollback' });
    expect(stateOf(lane)).toBe('start');
    await everyPoint([...choose('journal', whole.journalLines, 100), ...choose('operation', whole.operations, 10)], async (where, dieAt) => {
      reset(where);
      await finish(where, { do: 'apply' });
      expect(await engine(where, { do: 'rollback', dieAt })).toBeNull();
      await finish(where, { do: 'recover' });
      const state = stateOf(where);
      expect(state, JSON.stringify(dieAt)).not.toBe('between');
      const again = await finish(where, { do: 'rollback' });
      if (state === 'goal') expect((again.result as Upgrade).state).toBe('committed');
      else expect(again.problem?.code).toBe('upgrade.nothing_to_undo');
      expect(stateOf(where)).toBe('start');
    });
  });
});
