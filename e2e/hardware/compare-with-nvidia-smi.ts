/**
 * Compares what Warpdeck reads with what nvidia-smi prints, on this machine's GPUs: what does not change must be
 * equal, what moves must lie between two nvidia-smi readings taken right before and after, within its rounding.
 * Part of `npm run hardware`. Prints one row a field and one JSON object; exit code 1 when a field disagrees.
 */
import { execFileSync } from 'node:child_process';
import type { Device, DeviceSample } from '../../contract/gpu.ts';
import { startEngine, whenDevices } from '../bench/engine-process.ts';

interface Field {
  readonly smi: string;
  readonly read: (device: Device, sample: DeviceSample) => string | number | boolean | null;
  /** Both sides agree within this; undefined: text must be equal. Moving values get it on top of the bracket. */
  readonly within?: number;
  readonly moving?: boolean;
  /** Judged at the end, against all nvidia-smi readings of the run. */
  readonly overRun?: boolean;
  readonly parse?: (text: string) => string | number | boolean;
}

const MIB = 1024 * 1024;
const yes = (text: string): boolean => text === 'Enabled';
const fields: readonly Field[] = [
  { smi: 'name', read: (d) => d.name },
  { smi: 'pci.bus_id', read: (d) => d.pciBusId },
  { smi: 'compute_cap', read: (d) => d.computeCapability },
  { smi: 'vbios_version', read: (d) => d.vbiosVersion },
  { smi: 'persistence_mode', read: (d) => d.persistenceMode, parse: yes },
  { smi: 'ecc.mode.current', read: (d) => d.eccEnabled, parse: yes },
  { smi: 'mig.mode.current', read: (d) => (d.migMode === null ? null : d.migMode === 'enabled'), parse: yes },
  { smi: 'memory.total', read: (d) => (d.memTotalBytes === null ? null : d.memTotalBytes / MIB), within: 1 },
  { smi: 'power.limit', read: (d) => d.powerLimitWatts, within: 0.01 },
  { smi: 'power.default_limit', read: (d) => d.powerDefaultLimitWatts, within: 0.01 },
  { smi: 'power.min_limit', read: (d) => d.powerMinLimitWatts, within: 0.01 },
  { smi: 'power.max_limit', read: (d) => d.powerMaxLimitWatts, within: 0.01 },
  { smi: 'clocks.max.sm', read: (d) => d.clockMaxSmMhz, within: 0 },
  { smi: 'clocks.max.memory', read: (d) => d.clockMaxMemMhz, within: 0 },
  { smi: 'pcie.link.gen.max', read: (d) => d.pcieMaxGen, within: 0 },
  { smi: 'pcie.link.width.max', read: (d) => d.pcieMaxWidth, within: 0 },
  { smi: 'pcie.link.gen.current', read: (_, s) => s.medium?.pcieGen ?? null, within: 0, moving: true },
  { smi: 'pcie.link.width.current', read: (_, s) => s.medium?.pcieWidth ?? null, within: 0, moving: true },
  { smi: 'pstate', read: (_, s) => (s.medium?.pstate === null || s.medium === undefined ? null : s.medium.pstate), parse: (t) => Number(t.slice(1)), within: 0, moving: true },
  { smi: 'memory.used', read: (_, s) => (s.medium?.memUsedBytes == null ? null : s.medium.memUsedBytes / MIB), within: 1, moving: true },
  { smi: 'memory.reserved', read: (_, s) => (s.medium?.memReservedBytes == null ? null : s.medium.memReservedBytes / MIB), within: 1, moving: true },
  { smi: 'temperature.gpu', read: (_, s) => s.medium?.tempCelsius ?? null, within: 1, moving: true },
  { smi: 'temperature.memory', read: (_, s) => s.medium?.tempMemCelsius ?? null, within: 1, moving: true },
  // The sensor has a new value every 100 ms and sees a quarter of the time: at a power cap it jumps by 40 W between
  // two readings. So it must lie within what nvidia-smi said in the whole run.
  { smi: 'power.draw.instant', read: (_, s) => s.fast?.powerWatts ?? null, within: 8, moving: true, overRun: true },
  { smi: 'clocks.sm', read: (_, s) => s.fast?.clockSmMhz ?? null, within: 30, moving: true },
  { smi: 'clocks.mem', read: (_, s) => s.fast?.clockMemMhz ?? null, within: 0, moving: true },
  { smi: 'clocks.video', read: (_, s) => s.medium?.clockVideoMhz ?? null, within: 30, moving: true },
  { smi: 'utilization.gpu', read: (_, s) => s.fast?.utilGpuPercent ?? null, within: 2, moving: true },
  { smi: 'utilization.memory', read: (_, s) => s.fast?.utilMemPercent ?? null, within: 2, moving: true },
  { smi: 'utilization.encoder', read: (_, s) => s.medium?.utilEncoderPercent ?? null, within: 0, moving: true },
  { smi: 'utilization.decoder', read: (_, s) => s.medium?.utilDecoderPercent ?? null, within: 0, moving: true },
  { smi: 'clocks_event_reasons.active', read: (_, s) => s.fast?.eventReasons ?? null, parse: (t) => Number(t), within: 0, moving: true },
  { smi: 'fan.speed', read: (_, s) => s.slow?.fanPercent ?? null, within: 2, moving: true },
  { smi: 'ecc.errors.corrected.volatile.total', read: (_, s) => s.slow?.eccCorrected ?? null, within: 0, moving: true },
  { smi: 'ecc.errors.uncorrected.volatile.total', read: (_, s) => s.slow?.eccUncorrected ?? null, within: 0, moving: true },
];

type Row = ReadonlyMap<string, string>;
function readSmi(): Map<string, Row> {
  const names = ['uuid', ...fields.map((f) => f.smi)];
  const text = execFileSync('nvidia-smi', [`--query-gpu=${names.join(',')}`, '--format=csv,noheader,nounits'], { encoding: 'utf8' });
  return new Map(text.trim().split('\n').map((line) => {
    const cells = line.split(',').map((c) => c.trim());
    return [cells[0] ?? '', new Map(names.map((n, i) => [n, cells[i] ?? '']))];
  }));
}

const notReported = (text: string): boolean => /^\[?(N\/A|Not Supported|Not Available|Unknown Error|Requested functionality has been deprecated)\]?$/i.test(text);

interface Tally { agree: number; disagree: number; ours: string; theirs: string }

function judge(field: Field, ours: string | number | boolean | null, before: string, after: string): boolean {
  if (ours === null) return notReported(before) || notReported(after);
  if (notReported(before) && notReported(after)) return false;
  const [a, b] = [before, after].map((t) => (field.parse ? field.parse(t) : field.within === undefined ? t : Number(t)));
  if (typeof ours === 'number' && typeof a === 'number' && typeof b === 'number') {
    const slack = field.within ?? 0;
    return ours >= Math.min(a, b) - slack && ours <= Math.max(a, b) + slack;
  }
  return ours === a && ours === b;
}

const ROUNDS = Number(process.env['WARPDECK_ROUNDS'] ?? 15);
const engine = await startEngine({ gpus: 'nvml' });
try {
  const { client, ws } = await engine.connect();
  const inventory = await whenDevices(client);
  const { devices } = inventory;
  // All readings first, judged afterwards: some fields are held against the whole run.
  const readings: { before: Map<string, Row>; after: Map<string, Row>; samples: Map<string, DeviceSample> }[] = [];
  const latest = new Map<string, DeviceSample>();
  let before = readSmi();
  for await (const item of await client.gpus.watch({ rateHz: 10 })) {
    if (item.type !== 'frame') continue;
    // Each tier has its own pace; the newest of each is kept per device.
    for (const s of item.frame.samples) {
      const old = latest.get(s.uuid);
      const medium = s.medium ?? old?.medium;
      const slow = s.slow ?? old?.slow;
      latest.set(s.uuid, { ...s, ...(medium ? { medium } : {}), ...(slow ? { slow } : {}) });
    }
    if (!item.frame.samples.some((s) => s.medium) || ![...latest.values()].every((s) => s.slow)) continue;
    const after = readSmi();
    readings.push({ before, after, samples: new Map(latest) });
    before = readSmi();
    if (readings.length >= ROUNDS) break;
  }
  const rounds = readings.length;
  const tally = new Map<string, Tally>();
  for (const field of fields) {
    for (const device of devices) {
      const seen = readings.flatMap((r) => [r.before, r.after]).map((rows) => rows.get(device.uuid)?.get(field.smi) ?? '').filter((t) => !notReported(t));
      const sorted = [...seen].sort((x, y) => Number(x) - Number(y));
      for (const reading of readings) {
        const sample = reading.samples.get(device.uuid);
        const [rowBefore, rowAfter] = [reading.before.get(device.uuid), reading.after.get(device.uuid)];
        if (!sample || !rowBefore || !rowAfter) throw new Error(`${device.uuid} is not in nvidia-smi's list`);
        const ours = field.read(device, sample);
        const [a, b] = field.overRun && sorted.length > 0 ? [sorted[0] ?? '', sorted.at(-1) ?? ''] : [rowBefore.get(field.smi) ?? '', rowAfter.get(field.smi) ?? ''];
        const agrees = judge(field, ours, a, b);
        const entry = tally.get(field.smi) ?? { agree: 0, disagree: 0, ours: '', theirs: '' };
        if (agrees) entry.agree += 1;
        else entry.disagree += 1;
        if (entry.ours === '' || !agrees) Object.assign(entry, { ours: String(typeof ours === 'number' ? Math.round(ours * 100) / 100 : ours), theirs: a === b ? a : `${a} … ${b}` });
        tally.set(field.smi, entry);
      }
    }
  }
  ws.close();
  const moving = new Map(fields.map((f) => [f.smi, f.moving === true]));
  // A value that moves may change between the two reads and back: one in ten rounds may miss. Fixed ones may not.
  const bad = [...tally].filter(([name, t]) => t.disagree > (moving.get(name) ? 0.1 : 0) * (t.agree + t.disagree));
  console.log(`Driver ${inventory.driver.driverVersion ?? '?'}, ${String(inventory.devices.length)} devices, ${String(rounds)} rounds`);
  for (const [name, t] of tally) console.log(`${t.disagree === 0 ? 'equal  ' : bad.some(([n]) => n === name) ? 'DIFFERS' : 'moved  '} ${name.padEnd(40)} warpdeck ${t.ours.padEnd(18)} nvidia-smi ${t.theirs.padEnd(24)} ${String(t.agree)} of ${String(t.agree + t.disagree)}`);
  console.log(JSON.stringify({ check: 'compare-with-nvidia-smi', devices: inventory.devices.map((d) => d.name), rounds, fields: tally.size, differ: bad.map(([n]) => n) }));
  process.exitCode = bad.length === 0 ? 0 : 1;
} finally {
  await engine.stop();
}
