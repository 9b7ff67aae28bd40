import type { Device, DeviceSample, GpuProcess, Inventory } from '../../../contract/gpu.ts';
import { throttleReasons } from '../../../contract/throttle.ts';

/** A line of another area, in the order in which `add` takes its parts. */
export interface MetricSample {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly labels: Labels;
  readonly value: number | null;
}

export interface MetricsInput {
  readonly inventory: Inventory;
  /** True when --gpus was given: only then are simulated or replayed devices worth a number here. */
  readonly explicit: boolean;
  /** Of models on this machine; real also where the GPUs that are shown are simulated. */
  readonly inference: readonly MetricSample[];
  readonly latest: ReadonlyMap<string, { readonly sample: DeviceSample; readonly atMs: number }>;
  readonly processes: readonly Pick<GpuProcess, 'gpuUuid' | 'pid' | 'memUsedBytes'>[];
  /** Verdicts for this machine's GPUs; the environment by name and short id, never by its path. */
  readonly verdicts: readonly { readonly environment: string; readonly gpu: string; readonly verdict: string }[];
  readonly nowMs: number;
}

export type Labels = Readonly<Record<string, string | number>>;

/** Backslash, quote and line break, as the text format wants them. */
const escapeLabel = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** Collects samples by metric, so that each has its HELP and TYPE once and its lines together. */
export function createMetricsText(): { add(name: string, type: 'gauge' | 'counter', help: string, labels: Labels, value: number | null | undefined): void; text(): string } {
  const metrics = new Map<string, { readonly head: string; readonly lines: string[] }>();
  return {
    add(name, type, help, labels, value) {
      // Not reported is absent, never 0.
      if (value === null || value === undefined || !Number.isFinite(value)) return;
      let metric = metrics.get(name);
      if (metric === undefined) metrics.set(name, (metric = { head: `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`, lines: [] }));
      const pairs = Object.entries(labels).map(([k, v]) => `${k}="${escapeLabel(String(v))}"`).join(',');
      metric.lines.push(`${name}${pairs === '' ? '' : `{${pairs}}`} ${value}\n`);
    },
    text: () => [...metrics.values()].map((m) => m.head + m.lines.join('')).join(''),
  };
}

const share = (percent: number | null | undefined): number | null => (percent === null || percent === undefined ? null : percent / 100);
const hertz = (mhz: number | null | undefined): number | null => (mhz === null || mhz === undefined ? null : mhz * 1e6);

/**
 * The `/metrics` page (Prometheus text format 0.0.4), in base units. No user, no command line, no path. Nothing of
 * simulated or replayed devices unless they were asked for.
 */
export function makePrometheusText(input: MetricsInput): string {
  const { inventory, latest, nowMs } = input;
  const out = createMetricsText();
  const hidden = inventory.simulated && !input.explicit;
  out.add('warpdeck_source_up', 'gauge', 'Whether the source of GPU readings answers.', { source: inventory.source }, !hidden && inventory.state === 'ok' ? 1 : 0);
  if (hidden) {
    addSamples(out, input.inference);
    return out.text();
  }
  for (const device of inventory.devices) addDevice(out, device, latest.get(device.uuid), nowMs);
  const held = new Map<string, { gpuUuid: string; pid: number; bytes: number }>();
  for (const p of input.processes) {
    if (p.memUsedBytes === null) continue;
    const key = `${p.gpuUuid}:${p.pid}`;
    // A process may stand twice in the driver's list, as compute and as graphics: with the same memory.
    held.set(key, { gpuUuid: p.gpuUuid, pid: p.pid, bytes: Math.max(p.memUsedBytes, held.get(key)?.bytes ?? 0) });
  }
  for (const { gpuUuid, pid, bytes } of held.values()) out.add('warpdeck_gpu_process_memory_bytes', 'gauge', 'GPU memory held by a process.', { uuid: gpuUuid, pid }, bytes);
  for (const v of input.verdicts) out.add('warpdeck_environment_verdict', 'gauge', 'What a Python environment can do with a GPU; always 1.', { environment: v.environment, gpu: v.gpu, verdict: v.verdict }, 1);
  addSamples(out, input.inference);
  return out.text();
}

function addSamples(out: ReturnType<typeof createMetricsText>, samples: readonly MetricSample[]): void {
  for (const { name, type, help, labels, value } of samples) out.add(name, type, help, labels, value);
}

/** Readings older than this many seconds are left out: an old value must not look like one of now. */
const STALE_SECONDS = 60;

function addDevice(out: ReturnType<typeof createMetricsText>, device: Device, last: { readonly sample: DeviceSample; readonly atMs: number } | undefined, nowMs: number): void {
  const { uuid } = device;
  const id = { uuid };
  out.add('warpdeck_gpu_info', 'gauge', 'A device, with its name; always 1.', { uuid, name: device.name, index: device.index, kind: device.kind }, 1);
  out.add('warpdeck_gpu_memory_total_bytes', 'gauge', 'Memory of the device.', id, device.memTotalBytes);
  if (last === undefined) return;
  const ageSeconds = Math.max(0, (nowMs - last.atMs) / 1000);
  out.add('warpdeck_gpu_sample_age_seconds', 'gauge', 'Age of the newest reading.', id, Math.round(ageSeconds * 1000) / 1000);
  const { fast, medium, slow, state } = last.sample;
  out.add('warpdeck_gpu_up', 'gauge', 'Whether the device answers.', id, state === 'ok' ? 1 : 0);
  if (state !== 'ok' || ageSeconds > STALE_SECONDS) return;
  out.add('warpdeck_gpu_utilization_ratio', 'gauge', 'Share of time in which a kernel was running.', id, share(fast?.utilGpuPercent));
  out.add('warpdeck_gpu_memory_used_bytes', 'gauge', 'Memory in use.', id, medium?.memUsedBytes);
  out.add('warpdeck_gpu_power_watts', 'gauge', 'Power drawn.', id, fast?.powerWatts);
  out.add('warpdeck_gpu_power_limit_watts', 'gauge', 'Power limit in force.', id, medium?.powerLimitWatts);
  out.add('warpdeck_gpu_temperature_celsius', 'gauge', 'Temperature of the GPU.', id, medium?.tempCelsius);
  const clocks = { sm: fast?.clockSmMhz, memory: fast?.clockMemMhz, video: medium?.clockVideoMhz };
  for (const [domain, mhz] of Object.entries(clocks)) out.add('warpdeck_gpu_clock_hertz', 'gauge', 'Clock frequency.', { uuid, domain }, hertz(mhz));
  out.add('warpdeck_gpu_energy_joules_total', 'counter', 'Energy used since the driver was loaded.', id, medium?.energyJoules);
  const mask = fast?.eventReasons ?? null;
  for (const reason of throttleReasons) if (reason.kind !== 'none') out.add('warpdeck_gpu_throttle_active', 'gauge', 'Whether the clock is lowered for this reason.', { uuid, reason: reason.key }, mask === null ? null : (mask & reason.bit) !== 0 ? 1 : 0);
  out.add('warpdeck_gpu_fan_ratio', 'gauge', 'Fan speed as a share of its highest.', id, share(slow?.fanPercent));
}
