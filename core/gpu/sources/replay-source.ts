import type { GpuFrame, DeviceSample, MediumReading, SlowReading } from '../../../contract/gpu.ts';
import type { Demand, SourceEvent } from '../../../contract/nvml-worker.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Emit, GpuSource } from './gpu-source.ts';
import { readRecording, type Recording } from './parse-recording.ts';

export interface ReplayOptions {
  readonly path: string;
  readonly emit: Emit;
  /** Called where readings are missing: here, where the recording begins again. */
  readonly onGap?: (atMs: number, reason: string) => void;
  /** Called once with what is wrong with a recording that is played all the same. */
  readonly onNotice?: (problem: Recording['problem']) => void;
  readonly now?: () => number;
  /** Recorded seconds per second. */
  readonly speed?: number;
}

/** Between the end of the recording and its next beginning. */
const LOOP_PAUSE_MS = 1000;

/**
 * Plays a recording in a loop, its times shifted to now. A lower demand leaves frames out; the slower tiers of a
 * frame that is left out come with the next one.
 */
export function createReplaySource(options: ReplayOptions): GpuSource {
  const { path, emit, speed = 1 } = options;
  const now = options.now ?? Date.now;
  let recording: Recording | null = null;
  let demand: Demand = { rateHz: 1, processes: false };
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let at = 0;
  let beganMs = 0;
  let seq = 0;
  let lastFrameMs = -Infinity;
  let lastProcessesMs = -Infinity;
  let recordedHz = 1;
  const owed = new Map<string, { medium?: MediumReading; slow?: SlowReading }>();

  function playFrame(frame: GpuFrame, atMs: number): void {
    const skip = atMs - lastFrameMs < 1000 / demand.rateHz - 500 / Math.max(recordedHz * speed, demand.rateHz);
    if (skip) {
      for (const s of frame.samples) if (s.medium !== undefined || s.slow !== undefined) owed.set(s.uuid, { ...owed.get(s.uuid), ...(s.medium ? { medium: s.medium } : {}), ...(s.slow ? { slow: s.slow } : {}) });
      return;
    }
    lastFrameMs = atMs;
    seq += 1;
    const samples: DeviceSample[] = owed.size === 0 ? frame.samples : frame.samples.map((s) => (s.state === 'ok' ? { ...owed.get(s.uuid), ...s } : s));
    owed.clear();
    emit({ type: 'frame', frame: { ...frame, seq, atMs, samples } });
  }

  function play(event: SourceEvent, atMs: number): void {
    if (event.type === 'frame') playFrame(event.frame, atMs);
    else if (event.type === 'processes') { if (demand.processes || atMs - lastProcessesMs > 10_000) { lastProcessesMs = atMs; emit({ ...event, atMs }); } }
    else if (event.type === 'xid') emit({ ...event, atMs });
    else if (event.type === 'rate') return;
    else emit(event);
  }

  function begin(r: Recording): void {
    at = 0;
    beganMs = now();
    emit({ type: 'devices', driver: r.header.driver, devices: r.header.devices });
    emit({ type: 'problem', problem: null });
  }

  function run(): void {
    timer = null;
    const r = recording;
    if (r === null || stopped) return;
    const playedMs = (now() - beganMs) * speed;
    for (let event = r.events[at]; event !== undefined && event.dt <= playedMs; event = r.events[at]) {
      at += 1;
      play(event.event, beganMs + event.dt / speed);
      if (stopped) return;
    }
    const next = r.events[at];
    if (next !== undefined) { timer = setTimeout(run, Math.max(1, (next.dt - playedMs) / speed)); return; }
    timer = setTimeout(() => {
      if (stopped) return;
      options.onGap?.(now(), 'The recording begins again.');
      lastFrameMs = -Infinity;
      begin(r);
      run();
    }, LOOP_PAUSE_MS / speed);
  }

  async function load(): Promise<void> {
    try {
      const r = await readRecording(path);
      if (stopped) return;
      recording = r;
      const frames = r.events.filter((e) => e.event.type === 'frame');
      const span = (frames.at(-1)?.dt ?? 0) - (frames[0]?.dt ?? 0);
      recordedHz = span > 0 ? ((frames.length - 1) / span) * 1000 : 1;
      if (r.problem !== null) options.onNotice?.(r.problem);
      begin(r);
      emitRate();
      run();
    } catch (error) {
      if (stopped) return;
      emit({ type: 'problem', problem: problemOf(error) ?? makeProblem('recording.not_found', { path, detail: error instanceof Error ? error.message : String(error) }) });
    }
  }

  function emitRate(): void {
    const possible = recordedHz * speed;
    const short = possible < demand.rateHz * 0.9;
    emit({ type: 'rate', rateHz: short ? Math.round(possible * 10) / 10 : demand.rateHz, note: short ? `The recording holds ${possible.toFixed(1)} readings a second.` : null });
  }

  return {
    kind: 'replay',
    simulated: true,
    get provenance() { return recording?.header.provenance ?? null; },
    start() { void load(); },
    setDemand(next) {
      demand = next;
      if (recording !== null) emitRate();
    },
    refresh() {
      if (stopped) return;
      if (recording === null) void load();
      else emit({ type: 'devices', driver: recording.header.driver, devices: recording.header.devices });
    },
    stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      return Promise.resolve();
    },
  };
}
