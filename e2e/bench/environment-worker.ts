import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findReply, xrayReply, type FindReply } from '../../contract/environment-probe.ts';
import type { EnvironmentXray, FoundEnvironment } from '../../contract/environments.ts';
import { environmentProbeWorker } from '../../core/environments/probe/environment-probe.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The built worker by itself, run as the engine runs it. */
export interface ProbeWorker {
  readonly pid: number;
  find(folder: string): Promise<FindReply>;
  xray(environment: FoundEnvironment): Promise<EnvironmentXray>;
  stop(): Promise<void>;
}

export async function startProbeWorker(): Promise<ProbeWorker> {
  const child = spawn(process.execPath, [...(environmentProbeWorker.nodeArgs ?? []), join(root, 'out/workers/environment-probe.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...environmentProbeWorker.env },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('The worker did not start.');
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let ids = 0;
  child.on('message', (message: { t: string; id?: number; value?: unknown; problem?: { cause: string } }) => {
    const call = message.t === 'reply' && message.id !== undefined ? waiting.get(message.id) : undefined;
    if (call === undefined || message.id === undefined) return;
    waiting.delete(message.id);
    if (message.problem !== undefined) call.reject(new Error(message.problem.cause));
    else call.resolve(message.value);
  });
  child.on('exit', () => {
    for (const call of waiting.values()) call.reject(new Error('The worker ended.'));
  });
  const call = (op: string, input: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      ids += 1;
      waiting.set(ids, { resolve, reject });
      child.send({ t: 'call', id: ids, op, input });
    });
  return {
    pid,
    find: async (folder) => findReply.parse(await call('find', { folders: [folder], interpreters: [], onlyGiven: true })),
    xray: async (environment) => xrayReply.parse(await call('xray', { environment })),
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** Bytes that a process asked to read (`rchar`) and that came from a disk for it (`read_bytes`, read-ahead counted). */
export function readIo(pid: number): { readonly asked: number; readonly fromDisk: number } {
  const text = readFileSync(`/proc/${String(pid)}/io`, 'utf8');
  const value = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { asked: value('rchar'), fromDisk: value('read_bytes') };
}

/** The most memory that a process ever had resident (VmHWM), and what of it is its own now (Pss), in bytes. */
export function readMemory(pid: number): { readonly peak: number; readonly resident: number; readonly proportional: number } {
  const kilobytes = (file: string, name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${String(pid)}/${file}`, 'utf8'))?.[1] ?? Number.NaN) * 1024;
  return { peak: kilobytes('status', 'VmHWM'), resident: kilobytes('smaps_rollup', 'Rss'), proportional: kilobytes('smaps_rollup', 'Pss') };
}
