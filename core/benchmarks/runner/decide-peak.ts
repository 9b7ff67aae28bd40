import type { PeakName } from '../../../contract/benchmarks.ts';
import type { HardwareRow } from './read-hardware.ts';

export interface Peak {
  /** In the unit of the case: TFLOPS or GB/s. */
  readonly value: number;
  /** SM clock at which it was counted; null: it does not hang on that clock. */
  readonly clockMhz: number | null;
}

/** What one direction of a link with 16 lanes carries after its coding, GB/s (PCI-SIG; performance.md section 2). */
const pcieGBps: Readonly<Record<number, number>> = { 4: 31, 5: 63, 6: 121 };

/**
 * The peak of a GPU by the name that its driver gives; null: not known for it. PyTorch accumulates in FP32 (INT8 in
 * INT32), and so that column counts.
 */
export function decidePeak(hardware: readonly HardwareRow[], gpuName: string | null, peak: PeakName | null): Peak | null {
  const row = gpuName === null ? undefined : hardware.find((one) => one.driverNames.includes(gpuName));
  if (row === undefined || peak === null) return null;
  const plain = (value: number | null | undefined): Peak | null => (value === null || value === undefined ? null : { value, clockMhz: null });
  if (peak === 'bytes') return plain(row.memoryBandwidthGBps);
  if (peak === 'pcie') return plain(pcieGBps[row.pcieGen ?? 0]);
  // NVIDIA counts both directions together.
  if (peak === 'nvlink') return plain(row.nvlinkGBps === null || row.nvlinkGBps === undefined ? null : row.nvlinkGBps / 2);
  const columns = { fp32: 'fp32', tf32: 'tf32', fp16: 'fp16AccumulateFp32', bf16: 'bf16AccumulateFp32', fp8: 'fp8AccumulateFp32', int8: 'int8AccumulateInt32' } as const;
  const value = row.peakTflops?.[columns[peak]] ?? null;
  return value === null ? null : { value, clockMhz: (peak === 'fp32' ? row.peakClockMhz?.fp32 : row.peakClockMhz?.tensor) ?? null };
}

/** Shares of the peak as sold, and of the peak at the clock that the GPU had. */
export function decidePeakShares(value: number, meanClockMhz: number | null, peak: Peak | null): { readonly peakShare: number | null; readonly peakShareAtClock: number | null } {
  if (peak === null) return { peakShare: null, peakShareAtClock: null };
  const atClock = peak.clockMhz === null || meanClockMhz === null || meanClockMhz <= 0 ? null : value / (peak.value * (meanClockMhz / peak.clockMhz));
  return { peakShare: value / peak.value, peakShareAtClock: atClock };
}
