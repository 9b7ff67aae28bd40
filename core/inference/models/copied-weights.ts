import type { GgufFacts, TensorGroup } from '../../../contract/models.ts';
import type { ProcessorFeatures } from './processor-features.ts';

/** Weights in the machine's memory, with no GPU in use; bytes. */
export interface HeldWeights {
  /** All that is held: of the file, and copies. */
  readonly bytes: number;
  /** Of it: copies in another order. */
  readonly copiedBytes: number;
  /** Of it: pages of the mapped file that a copy has replaced. The system takes them back when it needs memory. */
  readonly reclaimableBytes: number;
}

/**
 * llama.cpp asks for each weight which of its buffers for the processor can do what the weight is for, in this order:
 * AMX, CPU_REPACK, plain (make_cpu_buft_list in llama-model.cpp, v0.5.0; node-llama-cpp leaves `use_extra_bufts` on). In
 * the first two it lies in another order. A plain one is used in the mapped file itself, from the first to the last such
 * tensor; what is copied stays mapped where it lies between them, and that it mostly does. Where no file is mapped, each
 * is held once. An embedding that is also the output is copied as the output and stays as it is for looking up rows.
 *
 * With a GPU in use, all that stays in the machine's memory is plain: the GPU's own host buffer comes before those two
 * and takes everything that the GPU could compute.
 *
 * Pure.
 */
export function decideHeldWeights(facts: Pick<GgufFacts, 'bytes' | 'groups'>, processor: ProcessorFeatures, mapped: boolean): HeldWeights {
  const groups = facts.groups ?? [];
  const files = new Map<number, { first: number; end: number }>();
  let copiedBytes = 0;
  let replacedBytes = 0;
  for (const group of groups) {
    const copy = decideCopyBytes(group, processor);
    copiedBytes += copy ?? 0;
    if (copy !== null && group.use !== 'both') {
      replacedBytes += group.bytes;
      continue;
    }
    const span = files.get(group.file);
    files.set(group.file, { first: Math.min(span?.first ?? group.firstByte, group.firstByte), end: Math.max(span?.end ?? 0, group.endByte) });
  }
  const plain = facts.bytes.total - replacedBytes;
  if (!mapped || replacedBytes === 0) return { bytes: plain + copiedBytes, copiedBytes, reclaimableBytes: 0 };
  const span = [...files.values()].reduce((sum, { first, end }) => sum + end - first, 0);
  const held = Math.max(plain, span);
  return { bytes: held + copiedBytes, copiedBytes, reclaimableBytes: held - plain };
}

/**
 * Types that CPU_REPACK takes, with the step that the number of rows must be a multiple of:
 * `ggml_repack_get_optimal_repack_type` in ggml/src/ggml-cpu/repack.cpp. The order changes, not the size.
 */
const onAvx2: ReadonlyMap<string, number> = new Map([['Q4_0', 8], ['Q4_K', 8], ['IQ4_NL', 8], ['MXFP4', 8]]);
const onAvx512: ReadonlyMap<string, number> = new Map([['Q2_K', 8]]);
const onArm: ReadonlyMap<string, number> = new Map([['Q4_0', 4], ['Q4_K', 8], ['Q5_K', 8], ['Q6_K', 8], ['IQ4_NL', 4], ['MXFP4', 4], ['Q8_0', 4], ['Q1_0', 4]]);
/** Types that AMX takes, with how much larger they get: `supports_op` in amx/amx.cpp and `get_row_size` in amx/mmq.cpp. */
const onAmx: ReadonlyMap<string, number> = new Map([['Q4_0', 1], ['Q4_1', 1], ['Q8_0', 38 / 34], ['Q4_K', 148 / 144], ['Q5_K', 180 / 176], ['Q6_K', 1], ['IQ4_XS', 138 / 136], ['F16', 1]]);
const AMX_ROWS = 32;

/** Bytes of the copy; null: none is made. */
function decideCopyBytes({ type, use, rowsMultipleOf, bytes }: TensorGroup, { avx2, avx512, amx, dotProduct }: ProcessorFeatures): number | null {
  if (use === 'lookup' || use === 'other') return null;
  const larger = amx && use !== 'experts' && rowsMultipleOf % AMX_ROWS === 0 ? onAmx.get(type) : undefined;
  if (larger !== undefined) return bytes * larger;
  const step = (avx2 ? onAvx2.get(type) : undefined) ?? (avx512 ? onAvx512.get(type) : undefined) ?? (dotProduct ? onArm.get(type) : undefined);
  return step !== undefined && rowsMultipleOf % step === 0 ? bytes : null;
}
