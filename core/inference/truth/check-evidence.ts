import type { TruthCheck } from '../../../contract/inference.ts';
import type { WorkerLoadReport } from '../../../contract/inference-worker.ts';
import type { RealGpu, TruthEvidence } from './truth-evidence.ts';

export interface Checked {
  readonly checks: readonly TruthCheck[];
  /** GPUs that hold it and were not meant. */
  readonly elsewhere: readonly RealGpu[];
  /** The driver lists processes, and this one is not among them. */
  readonly absent: boolean;
  readonly spilledBytes: number;
  /** It answered, and the GPU did nothing. */
  readonly idle: boolean;
  /** What confirms the engine's word, for the sentence. */
  readonly agreeing: readonly string[];
}

/** A process holds its weights and cache, and beside them the CUDA context (300 MB to 1 GB); less than this share of
 * what the engine placed is not there. */
const LEAST_SHARE = 0.85;
/** Below, a reading of memory says nothing: drivers count in pages of 2 MB, and other programs come and go. */
const LEAST_BYTES = 64e6;
/** Over idle, W. Recorded on an H100: 73 W idle, 120 W with a context, up to 196 W while a small model generated. */
const LEAST_WATTS = 8;
const LEAST_LOAD_PERCENT = 5;

/** Holds what the engine says against what the driver says, each by itself. */
export function checkEvidence(evidence: TruthEvidence, report: WorkerLoadReport): Checked {
  const { meant, processBytes, decode } = evidence;
  const placed = report.bytes.weights + report.bytes.cache + report.bytes.work;
  const meantIds = new Set(meant.map((gpu) => gpu.uuid));
  const checks: TruthCheck[] = [
    { check: 'backend', expected: evidence.asked.backend === 'auto' ? 'cuda' : evidence.asked.backend, found: report.backend, agrees: evidence.asked.backend === 'auto' ? report.backend === 'cuda' : report.backend === evidence.asked.backend },
    { check: 'layers', expected: evidence.asked.gpuLayers === null ? `${report.layers} of ${report.layers}` : `${Math.min(evidence.asked.gpuLayers, report.layers)} of ${report.layers}`, found: `${report.gpuLayers} of ${report.layers}`, agrees: report.gpuLayers >= Math.min(evidence.asked.gpuLayers ?? report.layers, report.layers) },
  ];
  const agreeing: string[] = [];

  let elsewhere: readonly RealGpu[] = [];
  let absent = false;
  let spilledBytes = 0;
  const expectedGpus = meant.map((gpu) => `${gpu.name} (${gpu.uuid})`).join(', ');
  if (processBytes === null) {
    checks.push({ check: 'device', expected: expectedGpus, found: evidence.processUnknown ?? 'The driver names no processes here.', agrees: null });
  } else {
    // Other GPUs hold at most a context of this process, never its weights.
    elsewhere = evidence.gpus.filter((gpu) => !meantIds.has(gpu.uuid) && (processBytes.get(gpu.uuid) ?? 0) >= Math.max(LEAST_BYTES, placed * 0.5));
    const there = meant.filter((gpu) => processBytes.has(gpu.uuid));
    absent = there.length === 0 && elsewhere.length === 0;
    checks.push({ check: 'device', expected: expectedGpus, found: [...there, ...elsewhere].map((gpu) => `${gpu.name} (${gpu.uuid})`).join(', ') || 'on none', agrees: !absent && elsewhere.length === 0 });
  }
  const memory = checkMemory(evidence, placed);
  checks.push(memory.check);
  if (memory.check.agrees === true) agreeing.push(memory.by);
  if (memory.missingBytes > 0 && elsewhere.length === 0 && !absent && !evidence.shareMemory) {
    spilledBytes = memory.missingBytes;
    checks.push({ check: 'shared_memory', expected: 'nothing', found: megabytes(spilledBytes), agrees: false });
  }

  let idle = false;
  if (decode !== null) {
    const above = decode.watts === null || decode.idleWatts === null ? null : decode.watts - decode.idleWatts;
    const power = above === null ? null : above >= LEAST_WATTS;
    const load = decode.utilGpuPercent === null ? null : decode.utilGpuPercent >= LEAST_LOAD_PERCENT;
    checks.push({ check: 'power', expected: `${LEAST_WATTS} W over idle or more`, found: above === null ? 'not reported' : `${Math.round(above)} W over ${Math.round(decode.idleWatts ?? 0)} W`, agrees: power });
    checks.push({ check: 'load', expected: `${LEAST_LOAD_PERCENT} % or more`, found: decode.utilGpuPercent === null ? 'not reported' : `${Math.round(decode.utilGpuPercent)} %`, agrees: load });
    // One of the two is proof enough: a small model hardly warms a large GPU, and a MIG instance reports no load.
    if (power === true && load === true) agreeing.push('power and load');
    else if (power === true) agreeing.push('its power');
    else if (load === true) agreeing.push('its load');
    else idle = power === false || load === false;
  }
  return { checks, elsewhere, absent, spilledBytes, idle, agreeing };
}

/** By the process's own memory, else by how much the GPU's grew. */
function checkMemory({ meant, processBytes, processUnknown, grownBytes }: TruthEvidence, placed: number): { readonly check: TruthCheck; readonly missingBytes: number; readonly by: string } {
  const expected = `${megabytes(placed)} or more`;
  const held = sum(meant, processBytes);
  if (held !== null) {
    const agrees = held >= placed * LEAST_SHARE;
    return { check: { check: 'process_memory', expected, found: `${megabytes(held)} of this process`, agrees }, missingBytes: agrees ? 0 : placed - held, by: 'the driver\'s list of processes' };
  }
  const grown = sum(meant, grownBytes);
  const reason = processUnknown ?? 'The driver does not report the memory of processes.';
  if (grown === null || placed < LEAST_BYTES) return { check: { check: 'process_memory', expected, found: `Cannot be told. ${reason}`, agrees: null }, missingBytes: 0, by: '' };
  // Others may have freed memory meanwhile: growth can confirm, its absence proves nothing.
  const agrees = grown >= placed * LEAST_SHARE ? true : null;
  return { check: { check: 'process_memory', expected, found: `${megabytes(grown)} more in use than before it was loaded. ${reason}`, agrees }, missingBytes: 0, by: 'the memory of the GPU' };
}

function sum(meant: readonly RealGpu[], bytes: ReadonlyMap<string, number> | null): number | null {
  if (bytes === null || !meant.some((gpu) => bytes.has(gpu.uuid))) return null;
  return meant.reduce((total, gpu) => total + (bytes.get(gpu.uuid) ?? 0), 0);
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
