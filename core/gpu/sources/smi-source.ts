import type { Device, DeviceSample } from '../../../contract/gpu.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { ProgramResult, RunningProgram, Supervisor } from '../../supervisor/supervisor.ts';
import type { Emit, GpuSource } from './gpu-source.ts';
import { deviceFromSmi, liveSmiFields, notReportedFromSmi, parseInvalidField, parseSmiHeader, parseSmiRow, sampleFromSmi, staticSmiFields } from './parse-smi.ts';

export interface SmiOptions {
  readonly supervisor: Supervisor;
  readonly emit: Emit;
  readonly now?: () => number;
  /** Name or path. Default `nvidia-smi`. */
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Tests shorten these. Silent for so long is a hang; first and longest pause before the next try. */
  readonly idleTimeoutMs?: number;
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
}

const LOOP_MS = 1000;
const RATE_NOTE = 'nvidia-smi is read once a second; the driver library would give ten readings.';
/** So many lines in a row that do not fit are garbage, not a stray warning. */
const BAD_LINES = 3;

interface Outcome {
  readonly result: ProgramResult | null;
  readonly problem: Problem | null;
}

/**
 * One long-lived nvidia-smi that prints a row a second for each device. Never a second one while the first lives:
 * a hung one is ended first, then tried again with growing pauses.
 */
export function createSmiSource(options: SmiOptions): GpuSource {
  const { supervisor, emit } = options;
  const now = options.now ?? Date.now;
  const program = options.program ?? 'nvidia-smi';
  const idleTimeoutMs = options.idleTimeoutMs ?? 5000;
  const backoff = options.backoff ?? { firstMs: 1000, maxMs: 30_000 };
  const refused = new Set<string>();
  let running: RunningProgram | null = null;
  let stopped = false;
  let pause: { wake: () => void } | null = null;
  let loopEnded: Promise<void> = Promise.resolve();
  let seq = 0;
  let pauseMs = backoff.firstMs;
  let troubled = false;

  function setProblem(problem: Problem | null): void {
    if (problem === null && !troubled) return;
    troubled = problem !== null;
    emit({ type: 'problem', problem });
  }

  /** Runs until it ends by itself, by a hang or by `stop`. */
  async function run(args: readonly string[], onLine: (line: string) => void, timeoutMs?: number): Promise<Outcome> {
    let rest = '';
    const started = supervisor.runProgram({
      program, args, idleTimeoutMs, env: { LC_ALL: 'C', ...options.env }, ...(timeoutMs === undefined ? {} : { timeoutMs }),
      onStdout: (text) => {
        const lines = (rest + text).split('\n');
        rest = (lines.pop() ?? '').slice(-65_536);
        for (const line of lines) if (line.trim() !== '') onLine(line);
      },
    });
    running = started;
    try {
      const result = await started.done;
      if (rest.trim() !== '') onLine(rest);
      return { result, problem: null };
    } catch (error) {
      return { result: null, problem: problemOf(error) ?? makeProblem('program.failed', { program, how: 'an error', detail: error instanceof Error ? error.message : String(error) }) };
    } finally {
      running = null;
    }
  }

  function trouble(outcome: Outcome, lines: readonly string[]): Problem {
    if (outcome.problem !== null) return outcome.problem;
    const said = `${lines.join(' ')} ${outcome.result?.stderr ?? ''}`.trim().slice(0, 400);
    if (/Driver\/library version mismatch/i.test(said)) return makeProblem('gpu.driver_error', { code: 18, text: 'Driver/library version mismatch', call: 'nvidia-smi' });
    if (/couldn't communicate with the NVIDIA driver/i.test(said)) return makeProblem('gpu.driver_error', { code: 9, text: 'Driver not loaded', call: 'nvidia-smi' });
    return makeProblem('gpu.smi_garbage', { detail: said === '' ? 'It ended without a word.' : `It said: ${said}` });
  }

  /** The devices, or the reason why there are none. Fields that this version does not know are dropped one by one. */
  async function probe(): Promise<{ devices: readonly Device[]; driverVersion: string | null } | Problem> {
    for (let attempt = 0; attempt <= staticSmiFields.length; attempt += 1) {
      const lines: string[] = [];
      const fields = staticSmiFields.filter((f) => !refused.has(f));
      const outcome = await run([`--query-gpu=${fields.join(',')}`, '--format=csv,nounits'], (line) => { if (lines.length < 200) lines.push(line.slice(0, 2000)); }, 15_000);
      const bad = parseInvalidField(`${lines.join('\n')}\n${outcome.result?.stderr ?? ''}`);
      if (bad !== null && !refused.has(bad)) { refused.add(bad); continue; }
      const at = lines.findIndex((l) => parseSmiHeader(l) !== null);
      const columns = parseSmiHeader(lines[at] ?? '');
      if (outcome.result?.exitCode !== 0 || columns === null) return trouble(outcome, lines);
      const rows = lines.slice(at + 1).map((l) => parseSmiRow(columns, l)).filter((r) => r !== null);
      if (rows.length === 0) return trouble(outcome, lines);
      return { devices: rows.map(deviceFromSmi), driverVersion: rows[0]?.get('driver_version') ?? null };
    }
    return makeProblem('gpu.smi_garbage', { detail: 'It knows none of the fields.' });
  }

  async function readLive(found: { devices: readonly Device[]; driverVersion: string | null }): Promise<Problem | null> {
    let columns: readonly string[] | null = null;
    let bad = 0;
    let garbage: string | null = null;
    let devices = found.devices;
    let samples: DeviceSample[] = [];
    let beganMs = now();
    let told = false;
    const said: string[] = [];
    const known = (): ReadonlySet<string> => new Set(devices.map((d) => d.uuid));

    function flush(): void {
      if (samples.length === 0) return;
      seq += 1;
      emit({ type: 'frame', frame: { seq, atMs: beganMs, tookMs: 0, samples } });
      samples = [];
      pauseMs = backoff.firstMs;
      setProblem(null);
    }
    function onLine(line: string): void {
      if (said.length < 20) said.push(line.slice(0, 300));
      const header = parseSmiHeader(line);
      if (header !== null) { columns = header; return; }
      const row = columns === null ? null : parseSmiRow(columns, line);
      if (row === null) {
        bad += 1;
        if (bad >= BAD_LINES && garbage === null) { garbage = line.slice(0, 200); void running?.stop(); }
        return;
      }
      bad = 0;
      const uuid = row.get('uuid') ?? '';
      if (!known().has(uuid)) { refreshing = true; void running?.stop(); return; }
      if (!told) {
        // The first row of each device says what it does not report.
        devices = devices.map((d) => (d.uuid === uuid ? { ...d, notReported: { ...d.notReported, ...notReportedFromSmi(row) } } : d));
        if (devices.at(-1)?.uuid === uuid) { told = true; emit({ type: 'devices', driver: driverOf(found.driverVersion), devices: [...devices] }); }
      }
      if (samples.some((s) => s.uuid === uuid)) flush();
      if (samples.length === 0) beganMs = now();
      samples.push(sampleFromSmi(row));
      if (samples.length === devices.length) flush();
    }

    const fields = liveSmiFields.filter((f) => !refused.has(f));
    const outcome = await run([`--query-gpu=${fields.join(',')}`, '--format=csv,nounits', `--loop-ms=${LOOP_MS}`], onLine);
    if (stopped) return null;
    if (garbage !== null) return makeProblem('gpu.smi_garbage', { detail: `It said: ${String(garbage)}` });
    const refusedField = parseInvalidField(`${said.join('\n')}\n${outcome.result?.stderr ?? ''}`);
    if (refusedField !== null && !refused.has(refusedField)) { refused.add(refusedField); pauseMs = 0; return null; }
    if (refreshing) return null;
    return trouble(outcome, said);
  }

  let refreshing = false;
  const driverOf = (driverVersion: string | null): { driverVersion: string | null; cudaVersion: null; nvmlVersion: null; libraryPath: null } => ({ driverVersion, cudaVersion: null, nvmlVersion: null, libraryPath: null });

  async function loop(): Promise<void> {
    while (!stopped) {
      refreshing = false;
      const found = await probe();
      if (stopped) return;
      if ('code' in found) { if (!refreshing) setProblem(found); }
      else {
        emit({ type: 'devices', driver: driverOf(found.driverVersion), devices: [...found.devices] });
        emit({ type: 'rate', rateHz: 1000 / LOOP_MS, note: RATE_NOTE });
        const problem = await readLive(found);
        if (stopped) return;
        if (problem !== null) setProblem(problem);
      }
      if (refreshing) continue;
      const wait = pauseMs;
      pauseMs = Math.min(backoff.maxMs, Math.max(backoff.firstMs, pauseMs * 2));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        pause = { wake: () => { clearTimeout(timer); resolve(); } };
      });
      pause = null;
    }
  }

  return {
    kind: 'smi',
    simulated: false,
    provenance: null,
    start() { loopEnded = loop(); },
    setDemand() { /* one reading a second, whoever watches; the process list is not read */ },
    refresh() {
      refreshing = true;
      pauseMs = backoff.firstMs;
      if (pause !== null) pause.wake();
      else void running?.stop();
    },
    async stop() {
      stopped = true;
      pause?.wake();
      await running?.stop();
      await loopEnded;
    },
  };
}
