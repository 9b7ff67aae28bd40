import type { Readings } from '../../benchmarks/parts.ts';

export type Reading = Awaited<ReturnType<Readings['between']>>;

/** What a pair is judged by besides itself. */
export interface PairReference {
  /** SM clock of the first samples of each arm, MHz. A switch may change the clock; one arm's clock must not sink. */
  readonly aClockMhz: number | null;
  readonly bClockMhz: number | null;
  /** Fewest other processes on the GPU so far. */
  readonly otherProcesses: number | null;
}

/** Hardware slow-down 0x8, thermal slow-down by software 0x20 and hardware 0x40, power brake 0x80 (nvml.h, clocks event reasons). A software power cap (0x4) is normal at full load. */
const SLOW_DOWN = 0x8 | 0x20 | 0x40 | 0x80;
/** Section 7 of the performance reference. */
const LEAST_CLOCK = 0.9;

/** Why a pair does not count; null: it does. */
export function decidePair(a: Reading, b: Reading, reference: PairReference): string | null {
  if ((((a.eventReasons ?? 0) | (b.eventReasons ?? 0)) & SLOW_DOWN) !== 0) return 'throttled';
  const sank = (now: number | null, before: number | null): boolean => now !== null && before !== null && now < before * LEAST_CLOCK;
  if (sank(a.smClockMhz, reference.aClockMhz) || sank(b.smClockMhz, reference.bClockMhz)) return 'throttled';
  const others = Math.max(a.otherProcesses ?? 0, b.otherProcesses ?? 0);
  return reference.otherProcesses !== null && others > reference.otherProcesses ? 'another process came' : null;
}

/** The reference after this pair. */
export function updateReference(reference: PairReference | null, a: Reading, b: Reading): PairReference {
  const others = a.otherProcesses === null && b.otherProcesses === null ? null : Math.min(a.otherProcesses ?? Infinity, b.otherProcesses ?? Infinity);
  const before = reference?.otherProcesses ?? null;
  return {
    aClockMhz: reference?.aClockMhz ?? a.smClockMhz,
    bClockMhz: reference?.bClockMhz ?? b.smClockMhz,
    otherProcesses: others === null ? before : before === null ? others : Math.min(before, others),
  };
}
