import parsePrometheusTextFormat from 'parse-prometheus-text-format';
import { describe, expect, it } from 'vitest';
import type { Device, DeviceSample, Inventory } from '../../../contract/gpu.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { readSimulatedMachine } from '../../gpu/sources/gpu-models.ts';
import { createSimulatedDevice } from '../../gpu/sources/simulate-model.ts';
import { createMetricsText, makePrometheusText, type MetricsInput } from './prometheus-text.ts';

const nowMs = 1_800_000_000_000;
const devices: Device[] = [];
const latest = new Map<string, { sample: DeviceSample; atMs: number }>();
for (const [index, { model, mig }] of readSimulatedMachine(10).entries()) {
  const d = createSimulatedDevice({ model, mig, index, seed: 1, warm: false, startMs: 0 });
  for (let i = 0; i < 100; i += 1) d.step();
  devices.push(...d.devices());
  for (const sample of d.read({ medium: true, slow: true })) latest.set(sample.uuid, { sample, atMs: nowMs - 1500 });
}
const inventory: Inventory = {
  revision: 1, atMs: 0, source: 'nvml', sourceSpec: 'nvml', simulated: false, state: 'ok', problem: null, driver: { driverVersion: '1', cudaVersion: null, nvmlVersion: null, libraryPath: null }, devices, provenance: null, findings: [], rateHz: 1, rateNote: null, inContainer: false,
};
const first = devices[0]?.uuid ?? '';
const input: MetricsInput = { inventory, explicit: false, latest, processes: [{ gpuUuid: first, pid: 12, memUsedBytes: 5 }, { gpuUuid: first, pid: 12, memUsedBytes: 7 }, { gpuUuid: first, pid: 13, memUsedBytes: null }], verdicts: [{ environment: 'chat-1a2b3c', gpu: 'GPU-a', verdict: 'native' }], inference: [{ name: 'warpdeck_inference_tokens_total', type: 'counter', help: 'Tokens.', labels: { kind: 'prompt' }, value: 120 }, { name: 'warpdeck_inference_joules_per_token', type: 'gauge', help: 'Energy.', labels: {}, value: null }], nowMs };

/** By name: labels → value, through a parser that is not ours. */
function read(text: string) {
  const parsed = parsePrometheusTextFormat(text);
  const value = (name: string, labels: Record<string, string>): number | undefined => {
    const found = parsed.find((m) => m.name === name)?.metrics.find((m) => Object.entries(labels).every(([k, v]) => m.labels?.[k] === v));
    return found === undefined ? undefined : Number(found.value);
  };
  return { parsed, value, names: parsed.map((m) => m.name) };
}

describe('metrics text', () => {
  it('holds what interface.md promises, in base units', () => {
    const { value, parsed } = read(makePrometheusText(input));
    const s = latest.get(first)?.sample;
    expect(value('warpdeck_source_up', { source: 'nvml' })).toBe(1);
    expect(value('warpdeck_gpu_utilization_ratio', { uuid: first })).toBe((s?.fast?.utilGpuPercent ?? 0) / 100);
    expect(value('warpdeck_gpu_memory_used_bytes', { uuid: first })).toBe(s?.medium?.memUsedBytes);
    expect(value('warpdeck_gpu_memory_total_bytes', { uuid: first })).toBe(devices[0]?.memTotalBytes);
    expect(value('warpdeck_gpu_power_watts', { uuid: first })).toBe(s?.fast?.powerWatts);
    expect(value('warpdeck_gpu_power_limit_watts', { uuid: first })).toBe(575);
    expect(value('warpdeck_gpu_temperature_celsius', { uuid: first })).toBe(s?.medium?.tempCelsius);
    expect(value('warpdeck_gpu_clock_hertz', { uuid: first, domain: 'sm' })).toBe((s?.fast?.clockSmMhz ?? 0) * 1e6);
    expect(value('warpdeck_gpu_energy_joules_total', { uuid: first })).toBe(s?.medium?.energyJoules);
    expect(value('warpdeck_gpu_throttle_active', { uuid: first, reason: 'software_power_cap' })).toBe(((s?.fast?.eventReasons ?? 0) & 4) === 0 ? 0 : 1);
    expect(value('warpdeck_gpu_process_memory_bytes', { uuid: first, pid: '12' })).toBe(7);
    expect(value('warpdeck_gpu_process_memory_bytes', { uuid: first, pid: '13' })).toBeUndefined();
    expect(value('warpdeck_gpu_sample_age_seconds', { uuid: first })).toBe(1.5);
    expect(parsed.find((m) => m.name === 'warpdeck_gpu_energy_joules_total')?.type).toBe('COUNTER');
    expect(parsed.filter((m) => m.name.endsWith('_total') !== (m.type === 'COUNTER'))).toEqual([]);
  });

  it('leaves out what is not reported', () => {
    const { value, parsed } = read(makePrometheusText(input));
    const mig = devices.find((d) => d.kind === 'mig')?.uuid ?? '';
    expect(value('warpdeck_gpu_utilization_ratio', { uuid: mig })).toBeUndefined();
    expect(value('warpdeck_gpu_memory_used_bytes', { uuid: mig })).toBeGreaterThan(0);
    const unified = devices.find((d) => d.unifiedMemory)?.uuid ?? '';
    expect(value('warpdeck_gpu_memory_total_bytes', { uuid: unified })).toBeUndefined();
    for (const m of parsed) for (const s of m.metrics) expect(Number.isFinite(Number(s.value))).toBe(true);
  });

  it('says that a lost device is down, and gives no old numbers', () => {
    const lost = new Map(latest).set(first, { sample: { uuid: first, state: 'lost', fast: null }, atMs: nowMs });
    const { value } = read(makePrometheusText({ ...input, latest: lost }));
    expect(value('warpdeck_gpu_up', { uuid: first })).toBe(0);
    expect(value('warpdeck_gpu_power_watts', { uuid: first })).toBeUndefined();
    const old = new Map(latest).set(first, { sample: latest.get(first)?.sample ?? { uuid: first, state: 'ok', fast: null }, atMs: nowMs - 120_000 });
    const stale = read(makePrometheusText({ ...input, latest: old }));
    expect(stale.value('warpdeck_gpu_power_watts', { uuid: first })).toBeUndefined();
    expect(stale.value('warpdeck_gpu_sample_age_seconds', { uuid: first })).toBe(120);
  });

  it('shows nothing of simulated devices unless they were asked for', () => {
    const simulated: Inventory = { ...inventory, source: 'simulate', simulated: true };
    expect(read(makePrometheusText({ ...input, inventory: simulated })).names.filter((name) => !name.startsWith('warpdeck_inference_'))).toEqual(['warpdeck_source_up']);
    expect(read(makePrometheusText({ ...input, inventory: simulated })).value('warpdeck_source_up', {})).toBe(0);
    expect(read(makePrometheusText({ ...input, inventory: simulated, explicit: true })).names).toContain('warpdeck_gpu_power_watts');
  });

  it('is down when the driver does not answer', () => {
    const { value } = read(makePrometheusText({ ...input, inventory: { ...inventory, state: 'problem', problem: makeProblem('gpu.none'), devices: [] }, latest: new Map(), processes: [] }));
    expect(value('warpdeck_source_up', {})).toBe(0);
  });

  it('tells of inference, which is real also where the GPUs are simulated; not reported is absent', () => {
    const { value, names } = read(makePrometheusText({ ...input, inventory: { ...inventory, source: 'simulate', simulated: true } }));
    expect(value('warpdeck_inference_tokens_total', { kind: 'prompt' })).toBe(120);
    expect(names).not.toContain('warpdeck_inference_joules_per_token');
  });

  it('escapes labels', () => {
    const out = createMetricsText();
    out.add('x', 'gauge', 'h', { name: 'a"b\\c\nd' }, 1);
    expect(out.text()).toContain('x{name="a\\"b\\\\c\\nd"} 1\n');
    expect(read(out.text()).parsed[0]?.metrics[0]?.labels).toEqual({ name: 'a"b\\c\nd' });
  });
});
