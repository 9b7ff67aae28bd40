import type { Alert } from '../../contract/alerts.ts';
import type { Device } from '../../contract/gpu.ts';
import type { Problem } from '../../contract/problem.ts';

/** What an alert says. What is (title), why and what to do (text), the value in one glance. */
export interface AlertWords {
  readonly severity: Alert['severity'];
  readonly title: string;
  readonly text: string;
  readonly value: string | null;
}

const GIB = 1024 ** 3;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const gib = (bytes: number): string => (bytes / GIB).toPrecision(3);

/** Without the vendor: "RTX 3090". */
export const shortName = (device: Pick<Device, 'name'>): string => device.name.replace(/^NVIDIA (GeForce )?/, '');

export function temperatureWords(device: Device, celsius: number, threshold: number): AlertWords {
  const slow = device.tempSlowdownCelsius === null ? '' : ` Its hardware slows it down at ${device.tempSlowdownCelsius} °C.`;
  return {
    severity: 'attention',
    title: `${shortName(device)} is hot`,
    text: `${celsius} °C; the threshold is ${threshold} °C.${slow} Check the intake and the fans, or lower the power limit.`,
    value: `${celsius} °C`,
  };
}

export function memoryWords(device: Device, usedBytes: number, totalBytes: number): AlertWords {
  const percent = Math.floor((usedBytes / totalBytes) * 100);
  return {
    severity: 'attention',
    title: `Memory of the ${shortName(device)} is nearly full`,
    text: `${gib(usedBytes)} of ${gib(totalBytes)} GiB, ${percent} %. A program that asks for more than the last ${gib(Math.max(0, totalBytes - usedBytes))} GiB fails. The process list says who holds it.`,
    value: `${percent} %`,
  };
}

export interface Slowed {
  readonly celsius: number | null;
  readonly clockMhz: number | null;
  readonly powerLimitWatts: number | null;
}

function held(device: Device, s: Slowed): string {
  const at = s.celsius === null ? '' : `At ${s.celsius} °C `;
  const of = device.clockMaxSmMhz;
  if (s.clockMhz === null) return `${at}${at === '' ? 'The' : 'the'} clock is held down.`;
  const share = of === null || of <= 0 ? '' : ` of ${whole(of)} MHz, ≈ ${Math.max(0, Math.round((1 - s.clockMhz / of) * 100))} % below its highest`;
  return `${at}${at === '' ? 'The' : 'the'} clock is held at ${whole(s.clockMhz)}${share === '' ? ' MHz' : share}.`;
}

export function heatWords(device: Device, s: Slowed): AlertWords {
  const lower = s.powerLimitWatts === null ? 'lower the power limit' : `lower the power limit from ${whole(s.powerLimitWatts)} W`;
  return { severity: 'attention', title: `${shortName(device)} is slowed by heat`, text: `${held(device, s)} Check the intake and the fan curve, or ${lower}.`, value: s.celsius === null ? null : `${s.celsius} °C` };
}

export function hardwareWords(device: Device, s: Slowed, powerBrake: boolean): AlertWords {
  return {
    severity: 'problem',
    title: `${shortName(device)} is in hardware slowdown`,
    text: powerBrake
      ? `${held(device, s)} The power supply asks the board to slow down. Check the supply, its cables and other loads on it.`
      : `${held(device, s)} The board protects itself. Stop the load, then check fan, heatsink, case air and power cables.`,
    value: s.celsius === null ? null : `${s.celsius} °C`,
  };
}

export function lostWords(device: Device, state: 'lost' | 'reset_required' | 'not_answering', xid: number | null): AlertWords {
  const name = shortName(device);
  if (state === 'reset_required') return { severity: 'problem', title: `${name} needs a reset`, text: 'The driver answers that this GPU must be reset. End the programs on it, then restart the machine or reset it with nvidia-smi --gpu-reset.', value: null };
  if (state === 'not_answering') return { severity: 'problem', title: `${name} does not answer`, text: 'The driver gives no readings of this GPU. It is tried again by itself; if this goes on, look at the kernel log for "NVRM" and restart.', value: null };
  return {
    severity: 'problem',
    title: `${name} is lost`,
    text: `${xid === null ? 'The GPU does not answer any more: it has fallen off the bus' : `The driver reports Xid ${xid}: the GPU has fallen off the bus`}. Software cannot bring it back. Save your work and restart; if it returns, check power cables and slot.`,
    value: xid === null ? null : `Xid ${xid}`,
  };
}

/** NVIDIA's Xid catalogue, shortened: what it is, what to do. */
const xids: Readonly<Record<number, readonly [string, string]>> = {
  13: ['an error in a program on the GPU', 'Usually the program is at fault: update it. If many programs fail, test the memory of the GPU.'],
  31: ['a program touched memory that is not its own', 'Usually the program is at fault: update it.'],
  43: ['a program on the GPU was stopped', 'Usually the program is at fault: update it.'],
  45: ['a program on the GPU was ended early', 'Look at the error before it.'],
  48: ['memory errors that could not be corrected', 'Results since then may be wrong. Restart the programs, and the machine; replace the board if it returns.'],
  63: ['a row of memory was retired', 'Restart when convenient, so that the spare row is used.'],
  64: ['a row of memory could not be retired', 'Restart soon; replace the board if it returns.'],
  74: ['an error of an NVLink connection', 'Check the bridge or the link; restart if programs fail.'],
  79: ['the GPU has fallen off the bus', 'Save your work and restart; if it returns, check power cables and slot.'],
  94: ['a memory error that was kept to one program', 'Restart that program, and the GPU when convenient.'],
  95: ['a memory error that may have reached other programs', 'Results since then may be wrong. Stop all programs on it and restart.'],
  119: ['the processor on the GPU does not answer the driver', 'Restart the machine; update the driver if it returns.'],
  120: ['an error of the processor on the GPU', 'Restart the machine; update the driver if it returns.'],
};
/** Xids that mean damage or the end of work, not a bug of one program. */
export const seriousXids: ReadonlySet<number> = new Set([48, 63, 64, 74, 79, 94, 95, 119, 120]);

export function xidWords(device: Device | null, xid: number): AlertWords {
  const known = xids[xid];
  return {
    severity: seriousXids.has(xid) ? 'problem' : 'attention',
    title: `${device === null ? 'A GPU' : shortName(device)} reported Xid ${xid}`,
    text: known === undefined ? `The driver reports error Xid ${xid}. The kernel log has the details; search it for "Xid".` : `The driver reports ${known[0]}. ${known[1]}`,
    value: `Xid ${xid}`,
  };
}

export function eccWords(device: Device, count: number): AlertWords {
  return {
    severity: 'problem',
    title: `Memory errors on the ${shortName(device)}`,
    text: `${count === 1 ? 'One error' : `${count} errors`} in its memory could not be corrected. Results since then may be wrong. Restart the programs, then the machine; replace the board if it returns.`,
    value: String(count),
  };
}

export function driverWords(problem: Problem): AlertWords {
  return { severity: problem.severity === 'problem' ? 'problem' : 'attention', title: problem.title, text: `${problem.cause} ${problem.remedy}`, value: null };
}
