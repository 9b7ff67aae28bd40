/**
 * What watching costs on real GPUs, side by side in one run: user + system time of engine + nvml worker at 10 Hz with
 * one subscriber, against `nvidia-smi` with the same fields started once a second. Part of `npm run hardware`.
 */
import { execFileSync } from 'node:child_process';
import { cpuSeconds, startEngine, whenDevices, workerPid } from '../bench/engine-process.ts';

const SECONDS = Number(process.env['WARPDECK_SECONDS'] ?? 40);
const QUERY = 'utilization.gpu,utilization.memory,power.draw.instant,clocks.sm,clocks.mem,clocks_event_reasons.active,memory.used,temperature.gpu';

/** CPU seconds of `count` runs of nvidia-smi, one a second; bash's `times` adds up what its children used. */
function measureSmi(count: number): { cpuSecondsPerRun: number; wallMsPerRun: number } {
  const script = `exec 9<> <(:); for i in $(seq ${String(count)}); do nvidia-smi --query-gpu=${QUERY} --format=csv,noheader,nounits >/dev/null; read -t 1 -u 9; done; times`;
  const started = performance.now();
  const text = execFileSync('bash', ['-c', script], { encoding: 'utf8' });
  const wall = performance.now() - started;
  const [user = '', system = ''] = (text.trim().split('\n')[1] ?? '').split(/\s+/);
  const seconds = (t: string): number => Number(/(\d+)m/.exec(t)?.[1] ?? 0) * 60 + Number(/m([\d.]+)s/.exec(t)?.[1] ?? 0);
  return { cpuSecondsPerRun: (seconds(user) + seconds(system)) / count, wallMsPerRun: wall / count - 1000 };
}

const engine = await startEngine({ gpus: 'nvml' });
try {
  const { client, ws } = await engine.connect();
  const pid = await workerPid(client, 'nvml');
  const devices = (await whenDevices(client)).devices.length;
  let from: { at: number; engine: number; worker: number } | null = null;
  let frames = 0;
  const took: number[] = [];
  const started = performance.now();
  for await (const item of await client.gpus.watch({ rateHz: 10 })) {
    if (item.type !== 'frame') continue;
    if (!from && performance.now() - started > 5000) from = { at: performance.now(), engine: cpuSeconds(engine.pid), worker: cpuSeconds(pid) };
    if (from) {
      frames += 1;
      if (!item.frame.samples[0]?.medium) took.push(item.frame.tookMs);
      if (performance.now() - from.at > SECONDS * 1000) break;
    }
  }
  if (!from) throw new Error('no frames');
  const seconds = (performance.now() - from.at) / 1000;
  const ours = { engine: (cpuSeconds(engine.pid) - from.engine) / seconds, worker: (cpuSeconds(pid) - from.worker) / seconds };
  ws.close();
  const smi = measureSmi(Math.min(30, SECONDS));
  const total = ours.engine + ours.worker;
  const perReading = total / (frames / seconds);
  took.sort((a, b) => a - b);
  console.log(`engine ${(ours.engine * 100).toFixed(2)} % + worker ${(ours.worker * 100).toFixed(2)} % = ${(total * 100).toFixed(2)} % of one core at ${(frames / seconds).toFixed(1)} Hz on ${String(devices)} GPUs; nvidia-smi at 1 Hz ${(smi.cpuSecondsPerRun * 100).toFixed(2)} %`);
  console.log(`per reading ${(perReading * 1000).toFixed(3)} ms CPU against ${(smi.cpuSecondsPerRun * 1000).toFixed(2)} ms: 1/${(smi.cpuSecondsPerRun / perReading).toFixed(1)}; fast reading in the worker p50 ${(took[Math.floor(took.length / 2)] ?? Number.NaN).toFixed(3)} ms`);
  console.log(JSON.stringify({ check: 'overhead', devices, hz: frames / seconds, enginePercent: ours.engine * 100, workerPercent: ours.worker * 100, smiPercentAt1Hz: smi.cpuSecondsPerRun * 100, smiWallMs: smi.wallMsPerRun, ratioPerReading: smi.cpuSecondsPerRun / perReading, withinSmi: total <= smi.cpuSecondsPerRun, withinFifth: perReading <= smi.cpuSecondsPerRun / 5 }));
} finally {
  await engine.stop();
}
