/** Where a block keeps a scale, and what the scale is for weights of standard deviation 1. */
interface BlockScale {
  /** Byte in the block. */
  readonly at: number;
  /** Times the wished standard deviation. Negative: an offset that brings the mean to zero. */
  readonly factor: number;
}

export interface GgmlType {
  /** Number in GGUF files. */
  readonly id: number;
  readonly name: string;
  /** Weights in a block, and bytes of a block. */
  readonly elements: number;
  readonly bytes: number;
  /** Half-precision scales; all other bytes of the block may be anything. */
  readonly scales: readonly BlockScale[];
  /** Types whose scale is not a plain half. */
  readonly layout: 'blocks' | 'f32' | 'f16' | 'bf16' | 'iq1_m' | 'mxfp4' | 'nvfp4' | 'zeros';
}

const type = (id: number, name: string, elements: number, bytes: number, scales: readonly (readonly [at: number, factor: number])[], layout: GgmlType['layout'] = 'blocks'): GgmlType =>
  ({ id, name, elements, bytes, scales: scales.map(([at, factor]) => ({ at, factor })), layout });

/**
 * Tensor types of GGUF files with their block layouts: ggml/include/ggml.h and ggml/src/ggml-common.h of llama.cpp
 * v0.5.0. The factors are one over the standard deviation that random bits give (for K-quants and IQ: about).
 */
export const ggmlTypes: readonly GgmlType[] = [
  type(0, 'F32', 1, 4, [], 'f32'),
  type(1, 'F16', 1, 2, [], 'f16'),
  type(2, 'Q4_0', 32, 18, [[0, 0.217]]),
  type(3, 'Q4_1', 32, 20, [[0, 0.217], [2, -1.63]]),
  type(6, 'Q5_0', 32, 22, [[0, 0.108]]),
  type(7, 'Q5_1', 32, 24, [[0, 0.108], [2, -1.68]]),
  type(8, 'Q8_0', 32, 34, [[0, 0.0135]]),
  type(10, 'Q2_K', 256, 84, [[80, 0.1], [82, 0.15]]),
  type(11, 'Q3_K', 256, 110, [[108, 0.024]]),
  type(12, 'Q4_K', 256, 144, [[0, 0.0038], [2, 0.029]]),
  type(13, 'Q5_K', 256, 176, [[0, 0.0019], [2, 0.029]]),
  type(14, 'Q6_K', 256, 210, [[208, 0.00073]]),
  type(16, 'IQ2_XXS', 256, 66, [[0, 0.023]]),
  type(17, 'IQ2_XS', 256, 74, [[0, 0.023]]),
  type(18, 'IQ3_XXS', 256, 98, [[0, 0.0083]]),
  type(19, 'IQ1_S', 256, 50, [[0, 0.14]]),
  type(20, 'IQ4_NL', 32, 18, [[0, 0.015]]),
  type(21, 'IQ3_S', 256, 110, [[0, 0.0078]]),
  type(22, 'IQ2_S', 256, 82, [[0, 0.023]]),
  type(23, 'IQ4_XS', 256, 136, [[0, 0.00083]]),
  type(24, 'I8', 1, 1, [], 'zeros'),
  type(25, 'I16', 1, 2, [], 'zeros'),
  type(26, 'I32', 1, 4, [], 'zeros'),
  type(27, 'I64', 1, 8, [], 'zeros'),
  type(28, 'F64', 1, 8, [], 'zeros'),
  type(29, 'IQ1_M', 256, 56, [], 'iq1_m'),
  type(30, 'BF16', 1, 2, [], 'bf16'),
  type(34, 'TQ1_0', 256, 54, [[52, 1.2]]),
  type(35, 'TQ2_0', 256, 66, [[64, 0.9]]),
  type(39, 'MXFP4', 32, 17, [], 'mxfp4'),
  type(40, 'NVFP4', 64, 36, [], 'nvfp4'),
  type(41, 'Q1_0', 128, 18, [[0, 1]]),
  type(42, 'Q2_0', 64, 18, [[0, 0.9]]),
];

const byId = new Map(ggmlTypes.map((t) => [t.id, t]));
const byName = new Map(ggmlTypes.map((t) => [t.name, t]));
export const ggmlTypeById = (id: number): GgmlType | null => byId.get(id) ?? null;
export const ggmlTypeByName = (name: string): GgmlType | null => byName.get(name.toUpperCase()) ?? null;

/** Bytes of a tensor; rows (the first dimension) are whole blocks. */
export function tensorBytesOf(t: GgmlType, dims: readonly number[]): number {
  return (dims.reduce((product, n) => product * n, 1) / t.elements) * t.bytes;
}

/** Bits of the half-precision number next to `value` (rounded towards zero; below 6e-8 it is 0). */
export function halfBits(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const size = Math.min(Math.abs(value), 65_504);
  if (size < 2 ** -24) return sign;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const mantissa = Math.floor((size / 2 ** exponent) * 1024);
  // A subnormal has no leading one.
  return mantissa < 1024 ? sign | mantissa : sign | ((exponent + 15) << 10) | (mantissa & 1023);
}
