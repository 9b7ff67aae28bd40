import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TorchFacts } from '../../contract/environments.ts';
import type { EnvironmentReport } from '../../contract/verdict.ts';
import { startEngine, whenDevices, workerPid, type Client, type EngineProcess } from './engine-process.ts';
import type { BenchPlaces, BigEnvironment } from './environment-places.ts';
import { megabytes, seconds, spreadOf, summarise, type EnvironmentRow } from './environment-table.ts';
import { readIo, readMemory, startProbeWorker } from './environment-worker.ts';

const WARM_MS = 300;
const WARM_RUNS = 9;
const COLD_RUNS = 3;
const MOST_SHARE = 0.02;
const TIMES_FASTER = 8;
const PYTHON_RUNS = 5;
const FLEET_MS = 2000;
const FLEET_BYTES = 120e6;
const FLEET_RUNS = 7;
const WORKER = 'environment-probe';
/** A card that neither build was made for alone: the verdict needs the whole list. */
const JUDGE_FOR = { for: ['RTX 5090'], driver: '580.95' };
const ASK_PYTHON = 'import torch; torch.cuda.get_arch_list()';
const ASK_FLAGS = 'import torch; print(torch._C._cuda_getArchFlags() or "")';

/** The home that is searched is the benchmark's; the rest of the machine stays as it is. */
export function engineOf(places: BenchPlaces, more: Readonly<Record<string, string>> = {}): Promise<EngineProcess> {
  const none = Object.fromEntries(['VIRTUAL_ENV', 'WORKON_HOME', 'PYENV_ROOT', 'CONDA_PREFIX', 'CONDA_EXE', 'PIPX_HOME', 'UV_CACHE_DIR'].map((name) => [name, '']));
  return startEngine({ gpus: 'nvml', env: { ...none, HOME: places.home, XDG_CACHE_HOME: join(places.home, '.cache'), XDG_DATA_HOME: join(places.home, '.local/share'), ...more } });
}

async function timed<T>(work: () => T | Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAt = performance.now();
  const value = await work();
  return { value, ms: performance.now() - startedAt };
}

async function times(n: number, work: () => unknown): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < n; i += 1) all.push((await timed(work)).ms);
  return all;
}

const python = (one: BigEnvironment, code: string): string => execFileSync(one.python, ['-c', code], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], cwd: '/', env: { PATH: '/usr/bin:/bin' } }).trim();

async function judge(client: Client, prefix: string): Promise<EnvironmentReport> {
  const [report, ...others] = (await client.environments.judge({ env: prefix, ...JUDGE_FOR })).reports;
  if (report === undefined || others.length > 0) throw new Error(`${prefix}: ${others.length + (report === undefined ? 0 : 1)} environments were judged.`);
  return report;
}

function torchOf(report: EnvironmentReport): TorchFacts {
  const torch = report.xray?.torch;
  if (torch == null || report.cells.length === 0) throw new Error(`${report.environment.prefix}: no torch was judged: ${JSON.stringify(report.findings.map((p) => p.code))}`);
  return torch;
}

/** Everything that the kernel keeps of disks leaves memory; false where that is not permitted. */
function dropCaches(): boolean {
  try {
    execFileSync('sync');
    writeFileSync('/proc/sys/vm/drop_caches', '3\n');
    return true;
  } catch {
    return false;
  }
}

/** The verdict of one environment with everything in memory, against the interpreter that imports torch. */
export async function benchWarm(places: BenchPlaces, driver: Readonly<Record<string, string>>): Promise<EnvironmentRow[]> {
  const rows: EnvironmentRow[] = [];
  for (const one of places.big) {
    const engine = await engineOf(places, driver);
    const { client, ws } = await engine.connect();
    try {
      await client.environments.judge({ env: places.plain[0] ?? '', ...JUDGE_FOR });
      python(one, ASK_PYTHON);
      const first = await timed(() => judge(client, one.prefix));
      torchOf(first.value);
      // In turn, so that what else the machine does meets both.
      const [warm, imported]: [number[], number[]] = [[], []];
      for (let i = 0; i < WARM_RUNS; i += 1) {
        warm.push((await timed(() => judge(client, one.prefix))).ms);
        if (i < PYTHON_RUNS) imported.push((await timed(() => python(one, ASK_PYTHON))).ms);
      }
      const worker = await startProbeWorker();
      const [found] = (await worker.find(one.prefix)).environments;
      if (found === undefined) throw new Error(`${one.prefix} is not found`);
      const alone = { first: (await timed(() => worker.xray(found))).ms, later: summarise(await times(WARM_RUNS, () => worker.xray(found))) };
      const find = summarise(await times(WARM_RUNS, () => worker.find(one.prefix)));
      await worker.stop();
      const [own, ask] = [summarise(warm), summarise(imported)];
      const detail = { torch: one.torch, verdictMs: own.median, firstVerdictMs: first.ms, importMs: ask.median, importMinMs: ask.min, workerFindMs: find.median, workerXrayMs: alone.later.median, workerFirstXrayMs: alone.first, files: first.value.xray?.record?.files ?? null };
      rows.push({ what: `verdict of one environment, torch ${one.torch}, warm`, must: `≤ ${seconds(WARM_MS)}`, met: own.median <= WARM_MS, measured: seconds(own.median), n: own.n, spread: spreadOf(own), why: null, detail });
      rows.push({ what: `  against python -c "${ASK_PYTHON}", warm`, must: `≥ ${TIMES_FASTER}×`, met: ask.median >= TIMES_FASTER * own.median, measured: `${(ask.median / own.median).toFixed(1)}× (${seconds(ask.median)})`, n: ask.n, spread: spreadOf(ask), why: null, detail: { ratio: ask.median / own.median, ratioFirst: ask.median / first.ms } });
    } finally {
      ws.close();
      await engine.stop();
    }
  }
  return rows;
}

/** The same with nothing of the environment in memory; the engine and its worker are running. */
export async function benchCold(places: BenchPlaces, driver: Readonly<Record<string, string>>): Promise<EnvironmentRow[]> {
  const rows: EnvironmentRow[] = [];
  for (const one of places.big) {
    const [cold, imported]: [number[], number[]] = [[], []];
    const shares: number[] = [];
    const disk: number[] = [];
    let library = 0;
    let libraryRead = 0;
    let dropped = true;
    for (let i = 0; i < COLD_RUNS; i += 1) {
      // A worker that has read it before knows it: each run has a new one.
      const engine = await engineOf(places, driver);
      const { client, ws } = await engine.connect();
      try {
        await client.environments.judge({ env: places.plain[0] ?? '', ...JUDGE_FOR });
        const pid = await workerPid(client, WORKER);
        dropped &&= dropCaches();
        const before = readIo(pid);
        const { value, ms } = await timed(() => judge(client, one.prefix));
        const torch = torchOf(value);
        const [main] = torch.libraries;
        library = main?.sizeBytes ?? 0;
        libraryRead = main?.bytesRead ?? Number.NaN;
        cold.push(ms);
        shares.push(torch.libraries.reduce((sum, l) => sum + l.bytesRead, 0) / torch.libraries.reduce((sum, l) => sum + l.sizeBytes, 0));
        disk.push(readIo(pid).fromDisk - before.fromDisk);
        dropped &&= dropCaches();
        imported.push((await timed(() => python(one, ASK_PYTHON))).ms);
      } finally {
        ws.close();
        await engine.stop();
      }
    }
    const [own, ask] = [summarise(cold), summarise(imported)];
    const share = Math.max(...shares);
    const brought = summarise(disk).median;
    const why = dropped ? null : 'The page cache may not be dropped here, so this is warm.';
    rows.push({ what: `verdict of one environment, torch ${one.torch}, cold: bytes read of its libraries`, must: `≤ ${MOST_SHARE * 100} %`, met: share <= MOST_SHARE, measured: `${(share * 100).toFixed(3)} % of ${megabytes(library)}`, n: own.n, spread: `${(Math.min(...shares) * 100).toFixed(3)} – ${(share * 100).toFixed(3)} %`, why, detail: { libraryBytes: library, libraryBytesRead: libraryRead } });
    rows.push({ what: '  and its time', must: 'disk-bound', met: true, measured: `${seconds(own.median)} (${megabytes(brought)} from disk)`, n: own.n, spread: spreadOf(own), why: why ?? 'What came from the disk counts all files, their inodes and what the kernel reads ahead.', detail: { verdictMs: own.median, workerBytesFromDisk: brought } });
    rows.push({ what: '  against python importing torch, cold', must: `≥ ${TIMES_FASTER}×`, met: ask.median >= TIMES_FASTER * own.median, measured: `${(ask.median / own.median).toFixed(1)}× (${seconds(ask.median)})`, n: ask.n, spread: spreadOf(ask), why, detail: { ratio: ask.median / own.median } });
  }
  return rows;
}

/** All that the compiled library answers when it is imported, against what is read of its file. */
export async function benchArchitectures(places: BenchPlaces, driver: Readonly<Record<string, string>>): Promise<EnvironmentRow[]> {
  const engine = await engineOf(places, driver);
  const { client, ws } = await engine.connect();
  try {
    const rows: EnvironmentRow[] = [];
    for (const one of places.big) {
      const read = torchOf(await judge(client, one.prefix)).flags?.join(' ') ?? '';
      const asked = python(one, ASK_FLAGS);
      rows.push({ what: `architecture list, torch ${one.torch}, against torch._C._cuda_getArchFlags()`, must: 'equal', met: asked !== '' && read === asked, measured: read === asked ? read : `${read} against ${asked}`, n: 1, spread: '', why: null, detail: { read, asked } });
    }
    return rows;
  } finally {
    ws.close();
    await engine.stop();
  }
}

/** A home with 50 environments: found, read and judged for the GPUs of the machine by one question. */
export async function benchFleet(places: BenchPlaces, driver: Readonly<Record<string, string>>, withTorch: boolean): Promise<EnvironmentRow[]> {
  const engine = await engineOf(places, driver);
  const { client, ws } = await engine.connect();
  try {
    const own = new Set([...places.plain, ...(withTorch ? [...places.linked, ...places.copied] : [])]);
    const all = async (): Promise<{ found: number; torch: number; elsewhere: number; gpus: number }> => {
      const { reports, targets } = await client.environments.judge({ env: null, for: [], driver: null });
      const ours = reports.filter((r) => own.has(r.environment.prefix));
      return { found: ours.length, torch: ours.filter((r) => r.xray?.torch != null && r.cells.length === targets.length && r.cells.every((c) => c.verdict !== 'no_torch')).length, elsewhere: reports.length - ours.length, gpus: targets.length };
    };
    await whenDevices(client);
    const first = await timed(all);
    const wanted = withTorch ? places.linked.length + places.copied.length : 0;
    if (first.value.found !== own.size || first.value.torch !== wanted || first.value.gpus === 0) throw new Error(`Of ${own.size} environments with ${wanted} torches were found ${JSON.stringify(first.value)}.`);
    const warm = summarise(await times(FLEET_RUNS, all));
    const memory = readMemory(await workerPid(client, WORKER));
    const what = `${own.size} environments, ${wanted} with torch, found and judged for ${first.value.gpus} GPUs, warm`;
    return [
      { what, must: `≤ ${seconds(FLEET_MS)}`, met: withTorch ? warm.median <= FLEET_MS : null, measured: seconds(warm.median), n: warm.n, spread: spreadOf(warm), why: withTorch ? null : 'Only the small ones are made with --quick.', detail: { ms: warm.median, firstMs: first.ms, elsewhere: first.value.elsewhere } },
      { what: '  memory of the probe worker, most ever resident (VmHWM)', must: `≤ ${megabytes(FLEET_BYTES)}`, met: memory.peak <= FLEET_BYTES, measured: megabytes(memory.peak), n: 1, spread: '', why: null, detail: { peakBytes: memory.peak, residentBytes: memory.resident, proportionalBytes: memory.proportional } },
    ];
  } finally {
    ws.close();
    await engine.stop();
  }
}

/** What the worker reads of libraries that it has seen under another name. */
export async function benchShared(places: BenchPlaces): Promise<EnvironmentRow[]> {
  const rows: EnvironmentRow[] = [];
  for (const [kind, prefixes] of [['hard links', places.linked], ['copies', places.copied]] as const) {
    const worker = await startProbeWorker();
    try {
      const read: number[] = [];
      for (const prefix of prefixes) {
        const [found] = (await worker.find(prefix)).environments;
        if (found === undefined) throw new Error(`${prefix} is not found`);
        const torch = (await worker.xray(found)).torch;
        if (torch === null) throw new Error(`${prefix} has no torch`);
        read.push(torch.libraries.reduce((sum, l) => sum + l.bytesRead, 0));
      }
      const [first = 0, ...later] = read;
      const most = Math.max(...later);
      // Of copies the edges and some samples must be read, to know that they are copies.
      const allowed = kind === 'hard links' ? 0 : 0.1 * first;
      rows.push({ what: `identical torch libraries in ${prefixes.length} environments, ${kind}: read again`, must: kind === 'hard links' ? 'read once' : 'read once (≤ 10 % to know them)', met: most <= allowed, measured: `${megabytes(most)} after ${megabytes(first)}`, n: later.length, spread: `${megabytes(Math.min(...later))} – ${megabytes(most)}`, why: null, detail: { firstBytes: first, mostLaterBytes: most } });
    } finally {
      await worker.stop();
    }
  }
  return rows;
}
