/** The real engine as a process, for tests that do to it what a bad day does. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { GpuStreamItem, Inventory } from '../../../contract/gpu.ts';
import type { EngineStatus } from '../../../contract/system.ts';
import { ProblemError } from '../../../contract/problem.ts';
import { connectEngine, type EngineClient, type EngineConnection } from '../../engine/connect.ts';
import { readyLine } from '../../engine/spawn-engine.ts';
import { entryPoint } from '../../system/entry-points.ts';

export interface EngineUnderTest {
  readonly pid: number;
  readonly socket: string;
  readonly dir: string;
  readonly exited: Promise<unknown>;
  face(): Promise<EngineConnection>;
  /** What its log holds above `info`. */
  complaints(): readonly string[];
  descriptors(): number;
}

const running: { readonly child: ChildProcess; readonly faces: EngineConnection[] }[] = [];

/** Looks every 25 ms until it gives something; fails after the deadline with what was waited for. */
export async function until<T>(what: string, look: () => T | Promise<T>, deadlineMs = 20_000): Promise<NonNullable<T>> {
  for (const end = performance.now() + deadlineMs; ; await pause(25)) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`Not in ${deadlineMs} ms: ${what}`);
  }
}

/** The environment of this process without what would steer an engine. */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const name of ['WARPDECK_GPUS', 'WARPDECK_DATA_DIR', 'WARPDECK_PORT', 'WARPDECK_TOKEN', 'NODE_OPTIONS']) Reflect.deleteProperty(env, name);
  return { ...env, ...more };
}

/** Starts an engine that stays. @throws ProblemError what it says of itself instead of being ready */
export async function startEngine(options: { readonly dir: string; readonly gpus: string; readonly env?: Readonly<Record<string, string>>; readonly args?: readonly string[] }): Promise<EngineUnderTest> {
  const { dir, gpus } = options;
  const child = spawn(process.execPath, [entryPoint('engine'), '--data-dir', dir, '--gpus', gpus, ...(options.args ?? ['--stay'])], { env: plainEnvironment(options.env), stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  const exited = once(child, 'exit');
  const faces: EngineConnection[] = [];
  running.push({ child, faces });
  let text = '';
  child.stdio[3]?.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  await until('the first words of the engine', () => text.endsWith('\n'));
  const said = readyLine.parse(JSON.parse(text));
  if ('problem' in said) throw new ProblemError(said.problem);
  const { pid, socket } = said;
  return {
    pid, socket, dir, exited,
    async face() {
      const face = await connectEngine(socket, dir);
      faces.push(face);
      return face;
    },
    complaints: () => readFileSync(join(dir, 'logs/main.log'), 'utf8').split('\n').filter((line) => line !== '' && !line.includes('"level":"info"')),
    descriptors: () => readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Ends what was started here. For `afterEach`. */
export async function endEngines(): Promise<void> {
  await Promise.all(running.splice(0).map(async ({ child, faces }) => {
    for (const face of faces) face.close();
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await exited;
    clearTimeout(force);
  }));
}

/** Reads along what the engine tells a subscribed face, until the connection ends. */
export function follow(client: EngineClient, rateHz = 10): { readonly items: GpuStreamItem[]; readonly inventories: Inventory[]; readonly statuses: EngineStatus[]; readonly ended: Promise<unknown> } {
  const items: GpuStreamItem[] = [];
  const inventories: Inventory[] = [];
  const statuses: EngineStatus[] = [];
  const collect = async <T>(stream: Promise<AsyncIterable<T>>, into: T[]): Promise<void> => {
    for await (const item of await stream) into.push(item);
  };
  const ended = Promise.allSettled([collect(client.gpus.watch({ rateHz }), items), collect(client.gpus.watchInventory({}), inventories), collect(client.engine.watch({}), statuses)]);
  return { items, inventories, statuses, ended };
}
