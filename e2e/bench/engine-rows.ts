import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { GpuStreamItem } from '../../contract/gpu.ts';
import { cpuSeconds, percentile, rssMegabytes, startEngine, workerPid, type EngineProcess } from './engine-process.ts';
import type { Row } from './row.ts';

type Env = Readonly<Record<string, string>>;

/** Reads frames for `seconds`; gives them to `each`. */
async function watch(engine: EngineProcess, seconds: number, each: (item: GpuStreamItem) => void): Promise<void> {
  const { client, ws } = await engine.connect();
  const stream = await client.gpus.watch({ rateHz: 10 });
  const until = performance.now() + seconds * 1000;
  for await (const item of stream) {
    each(item);
    if (performance.now() >= until) break;
  }
  ws.close();
}

/** Worker time of one 10 Hz reading of 8 GPUs (fast tier alone), as the worker itself times it; slower tiers apart. */
export async function benchReading(env: Env): Promise<Row[]> {
  const engine = await startEngine({ gpus: 'nvml', env });
  try {
    const fast: number[] = [];
    const medium: number[] = [];
    const slow: number[] = [];
    await watch(engine, 30, (item) => {
      if (item.type !== 'frame') return;
      const s = item.frame.samples[0];
      (s?.slow ? slow : s?.medium ? medium : fast).push(item.frame.tookMs);
    });
    return [{
      what: 'one 10 Hz tier reading of 8 GPUs, in the worker', must: '<= 1 ms', value: percentile(fast, 50), unit: 'ms', ok: percentile(fast, 50) <= 1,
      detail: { p50: percentile(fast, 50), p99: percentile(fast, 99), n: fast.length, withMediumP50: percentile(medium, 50), withSlowP50: percentile(slow, 50) },
    }];
  } finally {
    await engine.stop();
  }
}

/** User + system time of worker + engine at 10 Hz, 8 GPUs, one subscriber, over 30 s, in percent of one core. */
export async function benchLoad(env: Env): Promise<Row[]> {
  const engine = await startEngine({ gpus: 'nvml', env });
  try {
    const { client, ws } = await engine.connect();
    const worker = await workerPid(client, 'nvml');
    const stream = await client.gpus.watch({ rateHz: 10 });
    let frames = 0;
    let from: { at: number; engine: number; worker: number } | null = null;
    const started = performance.now();
    for await (const item of stream) {
      if (item.type !== 'frame') continue;
      // The first five seconds hold start-up and compilation.
      if (!from && performance.now() - started > 5000) from = { at: performance.now(), engine: cpuSeconds(engine.pid), worker: cpuSeconds(worker) };
      if (from) frames += 1;
      if (performance.now() - started > 65_000) break;
    }
    if (!from) throw new Error('no frames');
    const seconds = (performance.now() - from.at) / 1000;
    const share = { engine: ((cpuSeconds(engine.pid) - from.engine) / seconds) * 100, worker: ((cpuSeconds(worker) - from.worker) / seconds) * 100 };
    ws.close();
    const total = share.engine + share.worker;
    return [{ what: 'user + system time of worker + engine, 10 Hz, 8 GPUs, one subscriber', must: '<= 2 % of one core', value: total, unit: '%', ok: total <= 2, detail: { enginePercent: share.engine, workerPercent: share.worker, framesPerSecond: frames / seconds, seconds } }];
  } finally {
    await engine.stop();
  }
}

/** Engine start to first sample: from spawn of the engine to the first frame at a subscriber, five starts. */
export async function benchStart(env: Env): Promise<Row[]> {
  const times: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const engine = await startEngine({ gpus: 'nvml', env });
    try {
      const { client, ws } = await engine.connect();
      for await (const item of await client.gpus.watch({ rateHz: 10 })) {
        if (item.type === 'frame') break;
      }
      times.push(performance.timeOrigin + performance.now() - engine.spawnedAtMs);
      ws.close();
    } finally {
      await engine.stop();
    }
  }
  const median = percentile(times, 50);
  return [{ what: 'engine start to first sample', must: '<= 700 ms', value: median, unit: 'ms', ok: median <= 700, detail: { all: times.map((t) => Math.round(t)).join(' ') } }];
}

/** Resident memory after 36,000 readings of 8 GPUs, pushed as fast as the worker can read. */
export async function benchMemory(env: Env): Promise<Row[]> {
  const engine = await startEngine({ gpus: 'nvml', env: { ...env, WARPDECK_TEST_NVML_FULL_SPEED: '36000' } });
  try {
    const { client, ws } = await engine.connect();
    const worker = await workerPid(client, 'nvml');
    let last = 0;
    const started = performance.now();
    const peak = { engine: 0, worker: 0 };
    for await (const item of await client.gpus.watch({ rateHz: 10 })) {
      if (item.type === 'frame') last = Math.max(last, item.frame.seq);
      peak.engine = Math.max(peak.engine, rssMegabytes(engine.pid));
      peak.worker = Math.max(peak.worker, rssMegabytes(worker));
      if (last >= 36_000) break;
      if (performance.now() - started > 300_000) break;
    }
    const seconds = (performance.now() - started) / 1000;
    const now = { engine: rssMegabytes(engine.pid), worker: rssMegabytes(worker) };
    ws.close();
    const detail = { readings: last, seconds, peakEngine: peak.engine, peakWorker: peak.worker };
    return [
      { what: 'resident memory of the engine after 36,000 readings of 8 GPUs', must: '<= 150 MB', value: now.engine, unit: 'MB', ok: now.engine <= 150 && last >= 36_000, detail },
      { what: 'resident memory of the nvml worker after the same', must: '<= 80 MB', value: now.worker, unit: 'MB', ok: now.worker <= 80 && last >= 36_000, detail },
    ];
  } finally {
    await engine.stop();
  }
}

/** A face that stops reading: what the engine's memory does in 60 s, and what another face gets meanwhile. */
export async function benchStalled(env: Env): Promise<Row[]> {
  const engine = await startEngine({ gpus: 'nvml', env });
  try {
    const good = await engine.connect();
    const stream = await good.client.gpus.watch({ rateHz: 10 });
    const stalled = await engine.connect();
    const started = performance.now();
    let stalledAt: number | null = null;
    let before = 0;
    const highest: number[] = [];
    const seqs: number[] = [];
    for await (const item of stream) {
      if (item.type !== 'frame') continue;
      const at = performance.now() - started;
      // Ten seconds of quiet first: the engine's heap settles.
      if (stalledAt === null && at > 20_000) {
        before = rssMegabytes(engine.pid);
        for await (const _first of await stalled.client.gpus.watch({ rateHz: 10 })) break;
        void stalled.client.gpus.watch({ rateHz: 10 }).then((s) => s.next()).catch(() => undefined);
        void stalled.client.engine.watch({}).then((s) => s.next()).catch(() => undefined);
        stalled.ws.pause();
        stalledAt = at;
      }
      if (stalledAt !== null) {
        seqs.push(item.frame.seq);
        highest.push(rssMegabytes(engine.pid));
        if (at - stalledAt > 60_000) break;
      }
    }
    const growth = Math.max(0, percentile(highest.slice(-50), 50) - before);
    const lost = seqs.reduce((n, s, i) => n + (i > 0 ? s - (seqs[i - 1] ?? s) - 1 : 0), 0);
    stalled.ws.terminate();
    good.ws.close();
    await Promise.race([once(good.ws, 'close'), wait(1000)]);
    return [{ what: 'a stalled face: growth of the engine in 60 s', must: '< 5 MB, others lose nothing', value: growth, unit: 'MB', ok: growth < 5 && lost === 0, detail: { beforeMB: before, framesOfTheOther: seqs.length, lostByTheOther: lost } }];
  } finally {
    await engine.stop();
  }
}
