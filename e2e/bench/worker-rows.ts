import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from './row.ts';

interface Burst { readonly readings: number; readonly fastMedianUs: number; readonly fastP99Us: number; readonly heapUsedBytes: number }

const root = fileURLToPath(new URL('../..', import.meta.url));
const BURST = 100_000;
const BURSTS = 10;

/** The heap of the sampling thread over 10⁶ readings of 8 GPUs: ten bursts, the first of which warms up. */
export async function benchHeap(env: Readonly<Record<string, string>>): Promise<Row[]> {
  const child = spawn(process.execPath, ['--no-node-snapshot', '--max-semi-space-size=1', '--max-old-space-size=48', join(root, 'out/workers/nvml.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...env, MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536' },
  });
  try {
    await new Promise<void>((resolve) => {
      child.on('message', (message: { t: string; data?: { type?: string } }) => {
        if (message.t === 'event' && message.data?.type === 'devices') resolve();
      });
    });
    const bursts: Burst[] = [];
    for (let i = 0; i < BURSTS; i += 1) {
      const reply = new Promise<Burst>((resolve) => {
        const listener = (message: { t: string; id?: number; value?: Burst }): void => {
          if (message.t !== 'reply' || message.id !== i || !message.value) return;
          child.off('message', listener);
          resolve(message.value);
        };
        child.on('message', listener);
      });
      child.send({ t: 'call', id: i, op: 'burst', input: { readings: BURST, emit: false } });
      bursts.push(await reply);
    }
    const megabytes = bursts.map((b) => b.heapUsedBytes / 1e6);
    const growth = (megabytes.at(-1) ?? Number.NaN) - (megabytes[1] ?? Number.NaN);
    return [{ what: 'heap of the sampling thread over 10⁶ readings of 8 GPUs: growth after the first 2 × 10⁵', must: 'flat (< 1 MB)', value: growth, unit: 'MB', ok: growth < 1, detail: { heapMB: megabytes.map((m) => m.toFixed(2)).join(' '), fastMedianUs: bursts.at(-1)?.fastMedianUs ?? null, fastP99Us: bursts.at(-1)?.fastP99Us ?? null } }];
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}
