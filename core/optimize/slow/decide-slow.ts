import type { SlowReport } from '../../../contract/optimize.ts';
import { throttleReasons } from '../../../contract/throttle.ts';
import { meanOf } from '../../statistics/mean-of.ts';
import type { SlowFacts } from './slow-facts.ts';

type Cause = SlowReport['causes'][number];

const POWER_CAP = 0x4;
const SLOWED = throttleReasons.filter((one) => one.kind === 'heat' || one.kind === 'hardware').reduce((bits, one) => bits | one.bit, 0);
/** Under this load a GPU counts as waiting: nothing else than waiting can be said of it. */
const IDLE_PERCENT = 5;
const LOADED_PERCENT = 20;
const BUSY_PERCENT = 80;
/** Usable bytes a second of one lane by PCIe generation (2.0 = 0.5 GB/s, doubling; PCI-SIG, after line coding). */
const LANE_BYTES: Readonly<Record<number, number>> = { 1: 0.25e9, 2: 0.5e9, 3: 0.985e9, 4: 1.969e9, 5: 3.938e9, 6: 7.563e9 };

const percent = (share: number): string => `${Math.round(share * 100)} %`;
const clamp = (value: number): number => Math.min(1, Math.max(0, value));
const known = (values: readonly (number | null | undefined)[]): number[] => values.filter((one): one is number => one !== null && one !== undefined);

/** Every cause that something speaks for, the heaviest first. Pure. */
export function decideSlow(facts: SlowFacts): { readonly causes: Cause[]; readonly notes: string[] } {
  const loads = known(facts.samples.map((one) => one.fast?.utilGpuPercent));
  const load = meanOf(loads);
  const found = [
    decideFallback(facts), decideSpill(facts), decidePrecision(facts), decideThrottling(facts), decidePowerCap(facts),
    decideLink(facts), decideOther(facts), decideWaiting(facts, loads), decideSmallBatch(facts, load), decideIdle(facts, load),
  ].filter((one) => one !== null);
  const notes: string[] = [];
  if (facts.place.key !== 'cpu' && loads.length === 0) notes.push('The driver reported no load of this GPU meanwhile.');
  if (facts.place.key === 'cpu') notes.push('The processor is looked at only as far as models of Warpdeck run on it.');
  if (found.length === 0) notes.push('Nothing that was looked at explains slowness: the GPU works, at its clock, by itself.');
  return { causes: found.sort((a, b) => b.weight - a.weight), notes };
}

const inUse = (facts: SlowFacts): SlowFacts['models'] => facts.models.filter((one) => one.state === 'ready');

/** A model that was to be on the GPU and is not. */
function decideFallback(facts: SlowFacts): Cause | null {
  const model = inUse(facts).find((one) => one.truth.verdict === 'not_on_gpu');
  if (model === undefined) return null;
  return { id: 'cpu_fallback', title: `${model.name} runs on the processor`, weight: 1, number: `${model.truth.layersOnGpu} of ${model.truth.layers} layers on a GPU`, remedy: model.truth.problem?.remedy ?? 'The badge beside the model says why; load it anew when that is mended.' };
}

function decideSpill(facts: SlowFacts): Cause | null {
  for (const model of inUse(facts)) {
    const { truth, bytes } = model;
    const shared = truth.checks.find((one) => one.check === 'shared_memory' && one.agrees === false);
    if (shared !== undefined) return { id: 'spill', title: `Memory of ${model.name} lies in the machine's memory`, weight: 0.9, number: shared.found, remedy: 'End what else uses the GPU\'s memory, or take a smaller model or context.' };
    if (truth.verdict !== 'partly_on_gpu' || truth.layers === 0) continue;
    const share = 1 - truth.layersOnGpu / truth.layers;
    const host = bytes?.hostWeights ?? 0;
    return { id: 'spill', title: `${model.name} is only partly on the GPU`, weight: clamp(share * 1.5), number: host > 0 ? `${(host / 1e9).toFixed(1)} GB of weights in the machine's memory` : `${truth.layersOnGpu} of ${truth.layers} layers on the GPU`, remedy: 'Take a smaller quantisation or context, or free memory of the GPU.' };
  }
  return null;
}

/** FP32 weights: twice the bytes of BF16, and each token reads all of them. */
function decidePrecision(facts: SlowFacts): Cause | null {
  const model = inUse(facts).find((one) => /^F32$/i.test(one.quantisation));
  return model === undefined ? null : { id: 'precision', title: `${model.name} has FP32 weights`, weight: 0.5, number: '4 bytes for each weight; BF16 has 2, Q8_0 about 1', remedy: 'Take the same model in BF16 or Q8_0.' };
}

const underLoad = (facts: SlowFacts): SlowFacts['samples'] => facts.samples.filter((one) => (one.fast?.utilGpuPercent ?? 0) >= LOADED_PERCENT);

/** Share of the loaded time with such a bit, and what the clock lost meanwhile. */
function readEvents(facts: SlowFacts, bits: number): { readonly share: number; readonly clockMhz: number | null; readonly lost: number | null; readonly mask: number } | null {
  const loaded = underLoad(facts).filter((one) => one.fast?.eventReasons !== null && one.fast?.eventReasons !== undefined);
  const hit = loaded.filter((one) => ((one.fast?.eventReasons ?? 0) & bits) !== 0);
  if (hit.length === 0) return null;
  const clockMhz = meanOf(hit.map((one) => one.fast?.clockSmMhz));
  const most = facts.device?.clockMaxSmMhz ?? null;
  return { share: hit.length / loaded.length, clockMhz, lost: clockMhz === null || most === null || most <= 0 ? null : clamp(1 - clockMhz / most), mask: hit.reduce((mask, one) => mask | ((one.fast?.eventReasons ?? 0) & bits), 0) };
}

const clockWords = (clockMhz: number | null, facts: SlowFacts): string => (clockMhz === null ? '' : `, at ${Math.round(clockMhz)}${facts.device?.clockMaxSmMhz === null || facts.device === null ? '' : ` of ${facts.device.clockMaxSmMhz}`} MHz`);

function decideThrottling(facts: SlowFacts): Cause | null {
  const events = readEvents(facts, SLOWED);
  if (events === null) return null;
  const worst = throttleReasons.findLast((one) => (events.mask & one.bit) !== 0);
  return { id: 'throttling', title: worst?.title ?? 'Slowed down', weight: clamp(events.share * (events.lost ?? 0.5)), number: `${percent(events.share)} of the time${clockWords(events.clockMhz, facts)}`, remedy: worst?.remedy ?? 'Check the cooling.' };
}

function decidePowerCap(facts: SlowFacts): Cause | null {
  const events = readEvents(facts, POWER_CAP);
  if (events === null) return null;
  const limit = facts.samples.findLast((one) => one.medium !== undefined)?.medium?.powerLimitWatts ?? null;
  return { id: 'power_cap', title: 'At its power limit', weight: clamp(events.share * (events.lost ?? 0.1)), number: `${percent(events.share)} of the time${limit === null ? '' : ` at ${Math.round(limit)} W`}${clockWords(events.clockMhz, facts)}`, remedy: 'Normal at full load. A higher power limit makes it faster where the board allows one.' };
}

/** The link saves power when idle: only what it is under load counts. */
function decideLink(facts: SlowFacts): Cause | null {
  const { device } = facts;
  if (device === null || device.pcieMaxGen === null || device.pcieMaxWidth === null || device.unifiedMemory) return null;
  const loaded = underLoad(facts).flatMap((one) => (one.medium === undefined || one.medium.pcieGen === null || one.medium.pcieWidth === null ? [] : [one.medium]));
  const widest = loaded.reduce<{ gen: number; width: number; bytes: number } | null>((best, one) => {
    const bytes = (LANE_BYTES[one.pcieGen ?? 0] ?? 0) * (one.pcieWidth ?? 0);
    return best === null || bytes > best.bytes ? { gen: one.pcieGen ?? 0, width: one.pcieWidth ?? 0, bytes } : best;
  }, null);
  const most = (LANE_BYTES[device.pcieMaxGen] ?? 0) * device.pcieMaxWidth;
  if (widest === null || most <= 0 || widest.bytes <= 0 || widest.bytes >= most * 0.99) return null;
  const traffic = meanOf(loaded.map((one) => (one.pcieRxBytesPerSecond === null && one.pcieTxBytesPerSecond === null ? null : Math.max(one.pcieRxBytesPerSecond ?? 0, one.pcieTxBytesPerSecond ?? 0))));
  const lost = 1 - widest.bytes / most;
  // Without traffic over it a narrow link costs nothing.
  const used = traffic === null ? 0.5 : clamp(traffic / widest.bytes);
  return { id: 'link', title: 'The PCIe link is narrower than it could be', weight: clamp(lost * Math.max(0.02, used)), number: `PCIe ${widest.gen} ×${widest.width} of ${device.pcieMaxGen} ×${device.pcieMaxWidth}${traffic === null ? '' : `, ${percent(used)} in use`}`, remedy: 'Seat the card in a slot with all lanes; check the riser and the settings of the mainboard. It matters for loading and for what is moved all the time.' };
}

/** Besides the one who asks: our model, or the process with most of the GPU. */
function decideOther(facts: SlowFacts): Cause | null {
  const working = facts.processes.filter((one) => (one.utilSmPercent ?? 0) > 0).sort((a, b) => (b.utilSmPercent ?? 0) - (a.utilSmPercent ?? 0));
  const ours = new Set(inUse(facts).flatMap((one) => one.pid ?? []));
  const others = working.some((one) => ours.has(one.pid)) ? working.filter((one) => !ours.has(one.pid)) : working.slice(1);
  const first = others[0];
  const share = others.reduce((sum, one) => sum + (one.utilSmPercent ?? 0), 0) / 100;
  if (first === undefined || share < 0.02) return null;
  return { id: 'other_process', title: 'Another process uses this GPU', weight: clamp(share), number: `${(first.command ?? `process ${first.pid}`).slice(0, 80)} (${first.pid}): ${Math.round(first.utilSmPercent ?? 0)} % of the GPU${others.length > 1 ? `, and ${others.length - 1} more` : ''}`, remedy: 'End it, or let it run at another time or on another GPU. "warpdeck ps" lists all.' };
}

/** The GPU works in bursts and waits in between: somebody has to bring it data, or prepare its steps. */
function decideWaiting(facts: SlowFacts, all: readonly number[]): Cause | null {
  // From its first work to its last: before and after, nothing was asked of it.
  const loads = all.slice(Math.max(0, all.findIndex((one) => one > IDLE_PERCENT)), all.findLastIndex((one) => one > IDLE_PERCENT) + 1);
  const load = meanOf(loads);
  if (load === null || load >= BUSY_PERCENT || loads.length < 5 || !facts.processes.some((one) => one.type !== 'graphics')) return null;
  const waits = 1 - load / 100;
  const core = facts.busiestCore;
  const certain = core === null ? 0.5 : core >= 0.9 ? 0.9 : 0.4;
  return { id: 'data_loading', title: 'The GPU waits for the program', weight: clamp(waits * certain), number: `idle for ${percent(waits)} of the time${core === null ? '' : `; the busiest core worked for ${percent(core)}`}`, remedy: 'Load data in more processes (num_workers), pin memory, and keep results on the GPU: .item() and print wait for it.' };
}

/** Busy by the driver's count (a kernel is always running), and yet with little power: the kernels are too small for it. */
function decideSmallBatch(facts: SlowFacts, load: number | null): Cause | null {
  if (load === null || load < BUSY_PERCENT) return null;
  const watts = meanOf(underLoad(facts).map((one) => one.fast?.powerWatts));
  const limit = facts.samples.findLast((one) => one.medium !== undefined)?.medium?.powerLimitWatts ?? null;
  if (watts === null || limit === null || limit <= 0) return null;
  const share = watts / limit;
  if (share >= 0.5 || readEvents(facts, SLOWED) !== null) return null;
  return { id: 'small_batch', title: 'Its work is too small for this GPU', weight: clamp((0.5 - share) * 1.2), number: `${percent(share)} of the power limit at ${Math.round(load)} % load`, remedy: 'Larger batches, torch.compile or CUDA graphs. Writing one answer with a language model waits for memory, and is like that.' };
}

function decideIdle(facts: SlowFacts, load: number | null): Cause | null {
  if (load === null || load > IDLE_PERCENT) return null;
  return { id: 'idle', title: 'Nothing runs on this GPU', weight: inUse(facts).some((one) => one.requestsActive > 0) ? 0.6 : 0.3, number: `${load.toFixed(load > 0 && load < 1 ? 1 : 0)} % load`, remedy: 'Start the work, then look again. Does it run already? Then it runs on the processor: check where its tensors are.' };
}
