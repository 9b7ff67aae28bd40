import type { EffectCard } from '../../../contract/optimize.ts';
import type { ArmSample } from '../../benchmarks/parts.ts';

/** What one arm took besides its time. */
export interface ArmTally {
  error: number | null;
  add(sample: ArmSample, joules: number | null): void;
  facts(): EffectCard['a'];
}

export function tallyArm(): ArmTally {
  let memoryBytes: number | null = null;
  let joules = 0;
  let repetitions = 0;
  return {
    error: null,
    add(sample, taken) {
      if (sample.memoryBytes !== null) memoryBytes = Math.max(memoryBytes ?? 0, sample.memoryBytes);
      if (taken === null || sample.repetitions <= 0) return;
      joules += taken;
      repetitions += sample.repetitions;
    },
    facts() {
      return { memoryBytes, joulesPerUnit: repetitions === 0 ? null : joules / repetitions, error: this.error };
    },
  };
}
