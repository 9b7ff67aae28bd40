import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { WebSocket } from 'ws';
import type { Api } from '../../contract/api.ts';
import type { Inventory } from '../../contract/gpu.ts';

export type Client = ContractRouterClient<Api>;

/** A built engine in a fresh data folder, watched from outside: what the benchmarks and the hardware check drive. */
export interface EngineProcess {
  readonly pid: number;
  readonly socket: string;
  readonly dataDir: string;
  /** From spawn to the ready line, ms. */
  readonly startMs: number;
  readonly spawnedAtMs: number;
  connect(): Promise<{ client: Client; ws: WebSocket }>;
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** `prepare`: writes into the fresh data folder before the engine starts in it. */
export async function startEngine(options: { gpus?: string; env?: Readonly<Record<string, string>>; prepare?: (dataDir: string) => Promise<void> } = {}): Promise<EngineProcess> {
  const entry = join(root, 'out/engine/engine.mjs');
  if (!existsSync(entry)) throw new Error('Build first: npm run build');
  const dataDir = mkdtempSync(join(tmpdir(), 'warpdeck-bench-'));
  await options.prepare?.(dataDir);
  const spawnedAtMs = performance.timeOrigin + performance.now();
  const child: ChildProcess = spawn(process.execPath, ['--max-semi-space-size=4', entry, '--data-dir', dataDir, ...(options.gpus ? ['--gpus', options.gpus] : []), '--stay'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const pipe = child.stdio[3];
  if (!pipe) throw new Error('no ready pipe');
  let text = '';
  for await (const chunk of pipe as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.includes('\n')) break;
  }
  const line = JSON.parse(text) as { ready?: true; socket?: string; pid?: number; problem?: unknown };
  if (!line.socket || !line.pid) throw new Error(`engine: ${text}`);
  const startMs = performance.timeOrigin + performance.now() - spawnedAtMs;
  const socket = line.socket;
  return {
    pid: line.pid,
    socket,
    dataDir,
    startMs,
    spawnedAtMs,
    async connect() {
      const ws = new WebSocket(`ws+unix://${socket}:/rpc`, { perMessageDeflate: false });
      await once(ws, 'open');
      ws.on('error', () => undefined);
      return { client: createORPCClient<Client>(new RPCLink({ websocket: ws as unknown as globalThis.WebSocket })), ws };
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** User + system seconds of a process (Linux). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory of a process in MB (10⁶ bytes). */
export function rssMegabytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  return (Number(match?.[1] ?? Number.NaN) * 1024) / 1e6;
}

/** The pid of the worker of that name, from the engine's status. */
export async function workerPid(client: Client, name: string): Promise<number> {
  const stream = await client.engine.watch({});
  for await (const status of stream) {
    const pid = status.workers.find((w) => w.name === name)?.pid;
    if (pid) return pid;
  }
  throw new Error(`no worker ${name}`);
}

/** The inventory once the source has spoken. @throws when it has a problem instead of devices */
export async function whenDevices(client: Client): Promise<Inventory> {
  for await (const inventory of await client.gpus.watchInventory({})) {
    if (inventory.problem) throw new Error(`${inventory.problem.title}: ${inventory.problem.cause}`);
    if (inventory.devices.length > 0) return inventory;
  }
  throw new Error('no devices');
}

export const percentile = (values: readonly number[], p: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)] ?? Number.NaN;
};
