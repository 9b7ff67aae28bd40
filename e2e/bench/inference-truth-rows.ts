import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { GpuTruth } from '../../contract/inference.ts';
import { startEngine, whenDevices } from './engine-process.ts';
import { ask, load, type BenchPlace } from './inference-client.ts';
import type { Row } from './row.ts';

type Env = Readonly<Record<string, string>>;

/** The badge is made anew after an answer; so long is waited for one that knows. */
const SETTLE_MS = 15_000;

/** What the badge says of a model that is loaded with `backend: auto` by an engine with this environment. */
async function readBadge(at: BenchPlace, env: Env): Promise<{ readonly truth: GpuTruth; readonly why: string }> {
  const engine = await startEngine({ gpus: 'nvml', env });
  try {
    const { client, ws } = await engine.connect();
    await whenDevices(client);
    await client.models.addFolder({ path: at.model });
    const settings = { ...at.settings, backend: 'auto' } as const;
    await load(client, at.model, settings);
    await ask(client, at.model, settings, { prompt: 'The river is', maxTokens: 128 });
    const until = performance.now() + SETTLE_MS;
    for (;;) {
      const truth = (await client.inference.loaded({})).find((one) => one.state === 'ready')?.truth;
      if (truth !== undefined && (truth.verdict !== 'unproved' || performance.now() > until)) {
        const chosen = (await client.inference.backends({})).backends.find((backend) => backend.chosen);
        ws.close();
        return { truth, why: chosen === undefined ? '' : `${chosen.id}: ${chosen.why ?? ''}` };
      }
      await wait(250);
    }
  } finally {
    await engine.stop();
  }
}

const tell = (truth: GpuTruth): string => [`${truth.colour}: ${truth.title}.`, truth.sentence, ...(truth.problem === null ? [] : [`Cause: ${truth.problem.cause}`, `Remedy: ${truth.problem.remedy ?? ''}`])].join(' ');

/** A folder in which the driver's library for programs is a file that nothing can load; NVML, which only looks, stays. */
function makeBrokenDriver(): { readonly env: Env; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'warpdeck-no-cuda-'));
  for (const name of ['libcuda.so.1', 'libvulkan.so.1']) writeFileSync(join(folder, name), '');
  return { env: { LD_LIBRARY_PATH: [folder, process.env['LD_LIBRARY_PATH'] ?? ''].filter(Boolean).join(':') }, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * The badge where the GPU serves, and where it does not though the driver shows it: with a driver that no program can
 * load. CUDA_VISIBLE_DEVICES=-1 around the engine does not force the CPU: the engine names its GPUs by UUID to each
 * process that it starts. So there the badge has only to be true to where the layers are.
 */
export async function truthRows(at: BenchPlace): Promise<Row[]> {
  const names = { green: `badge with backend auto, ${at.label}`, hidden: `badge with CUDA_VISIBLE_DEVICES=-1 around the engine, ${at.label}`, red: `badge where no program can load the driver, ${at.label}` };
  const why = await whyNoGpu();
  if (why !== null) return Object.values(names).map((what): Row => ({ what, must: 'a GPU', value: Number.NaN, unit: '', ok: null, detail: { why: `No GPU to be right or wrong about: ${why}` } }));
  const row = (what: string, must: string, read: { readonly truth: GpuTruth; readonly why: string }, ok: (truth: GpuTruth) => boolean): Row => ({ what, must, value: read.truth.layersOnGpu, unit: 'lay.', ok: ok(read.truth), detail: { badge: tell(read.truth), chosen: read.why, layers: read.truth.layers } });
  const red = (truth: GpuTruth): boolean => truth.colour === 'red' && truth.layersOnGpu === 0 && truth.problem !== null && truth.problem.cause !== '' && (truth.problem.remedy ?? '') !== '';
  const rows = [row(names.green, 'green', await readBadge(at, {}), (truth) => truth.colour === 'green')];
  rows.push(row(names.hidden, 'be true', await readBadge(at, { CUDA_VISIBLE_DEVICES: '-1' }), (truth) => red(truth) || (truth.colour === 'green' && truth.layersOnGpu === truth.layers)));
  const broken = makeBrokenDriver();
  try {
    rows.push(row(names.red, 'red', await readBadge(at, broken.env), red));
  } finally {
    broken.remove();
  }
  return rows;
}

async function whyNoGpu(): Promise<string | null> {
  const engine = await startEngine({ gpus: 'nvml' });
  try {
    const { client, ws } = await engine.connect();
    const stop = AbortSignal.timeout(SETTLE_MS);
    try {
      for await (const inventory of await client.gpus.watchInventory({}, { signal: stop })) {
        if (inventory.devices.length > 0) return null;
        if (inventory.problem !== null) return inventory.problem.title;
      }
    } catch (error) {
      if (!stop.aborted) throw error;
    } finally {
      ws.close();
    }
    return 'the driver shows none';
  } finally {
    await engine.stop();
  }
}
