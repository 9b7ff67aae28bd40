/**
 * NVML clocks-event-reasons: bit → key, kind, words (nvml.h, `nvmlClocksEventReason…`).
 * `kind` decides how it is drawn: nothing for idle and user settings, a thin grey bar for the power cap
 * (normal at full load), a full block for heat, a striped one for hardware slowdown.
 */
export type ThrottleKind = 'none' | 'power' | 'heat' | 'hardware';

export interface ThrottleReason {
  readonly bit: number;
  readonly key: string;
  readonly kind: ThrottleKind;
  readonly title: string;
  readonly remedy: string;
}

export const throttleReasons: readonly ThrottleReason[] = [
  { bit: 0x1, key: 'idle', kind: 'none', title: 'Idle', remedy: 'Nothing to do: nothing runs on the GPU.' },
  { bit: 0x2, key: 'application_clocks', kind: 'none', title: 'Application clocks', remedy: 'Someone set fixed clocks. Reset them with nvidia-smi -rac.' },
  { bit: 0x4, key: 'software_power_cap', kind: 'power', title: 'Power cap', remedy: 'Normal at full load. A higher power limit makes it faster where the board allows one.' },
  { bit: 0x8, key: 'hardware_slowdown', kind: 'hardware', title: 'Hardware slowdown', remedy: 'The board halves its clock or more to protect itself. Check the cooling and the power supply.' },
  { bit: 0x10, key: 'sync_boost', kind: 'none', title: 'Sync boost', remedy: 'The GPU waits for others in its sync-boost group.' },
  { bit: 0x20, key: 'software_thermal', kind: 'heat', title: 'Slowed by heat (software thermal)', remedy: 'Check the intake and the fan curve, or lower the power limit.' },
  { bit: 0x40, key: 'hardware_thermal', kind: 'hardware', title: 'Hardware thermal slowdown', remedy: 'The GPU is too hot for its own protection. Stop the load, check fan, heatsink and case air.' },
  { bit: 0x80, key: 'power_brake', kind: 'hardware', title: 'Power brake', remedy: 'The power supply asks the board to slow down. Check the supply, its cables and other loads on it.' },
  { bit: 0x100, key: 'display_clocks', kind: 'none', title: 'Display clock setting', remedy: 'The display configuration limits the clock.' },
];

/** All reasons that are set in an event-reasons mask; an unknown bit is named by its number. */
export function decodeThrottle(mask: number): readonly ThrottleReason[] {
  const known = throttleReasons.filter((r) => (mask & r.bit) !== 0);
  const rest = throttleReasons.reduce((m, r) => m & ~r.bit, mask);
  if (rest === 0) return known;
  return [...known, { bit: rest, key: `unknown_0x${rest.toString(16)}`, kind: 'none', title: `Unknown reason 0x${rest.toString(16)}`, remedy: 'This driver reports a reason that this version does not know.' }];
}

const order: readonly ThrottleKind[] = ['none', 'power', 'heat', 'hardware'];

/** The most serious kind in a mask: what the span under the clock chart is drawn as. */
export function throttleKind(mask: number | null): ThrottleKind {
  if (mask === null) return 'none';
  let worst = 0;
  for (const r of throttleReasons) if ((mask & r.bit) !== 0) worst = Math.max(worst, order.indexOf(r.kind));
  return order[worst] ?? 'none';
}
