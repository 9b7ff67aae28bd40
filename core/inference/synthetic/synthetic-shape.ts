import type { GgufFacts } from '../../../contract/models.ts';
import { ggmlTypeByName, tensorBytesOf, type GgmlType } from './ggml-types.ts';
import type { SyntheticTensor } from './gguf-header.ts';

/** Sizes of a model that can be written with random weights. Lengths in elements, types by their names in ggml. */
export interface SyntheticShape {
  /** Those whose tensors are Llama's, with small additions. */
  readonly architecture: 'llama' | 'qwen2' | 'qwen3';
  readonly name: string;
  readonly contextTrained: number;
  readonly layers: number;
  readonly embeddingLength: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headLength: number;
  /** At least 262: special tokens, 256 bytes and a space. */
  readonly vocabulary: number;
  /** Mixture of experts; null: none. */
  readonly experts: { readonly count: number; readonly used: number } | null;
  readonly types: {
    readonly inputEmbedding: string;
    /** null: the input embedding serves. */
    readonly output: string | null;
    /** By layer. `most`: attn_q, attn_k, attn_output, ffn_gate, ffn_up; `fine`: attn_v, ffn_down. */
    readonly layers: readonly { readonly most: string; readonly fine: string }[];
  };
  readonly chatTemplate: string | null;
}

/** Special tokens, bytes and the space come first; their rows of an output of its own are zeros, so that no answer ends by them. */
export const FIXED_TOKENS = 5 + 256 + 1;

/** Less than what a layer adds: the answer depends on the whole text, not on its last token only. */
const EMBEDDING_SIGMA = 0.1;

/** A type whose blocks fit into rows of this length. */
const fitting = (name: string, row: number): GgmlType => {
  const wished = ggmlTypeByName(name);
  for (const type of [wished, ggmlTypeByName('Q8_0'), ggmlTypeByName('F16')]) if (type !== null && type.layout !== 'zeros' && row % type.elements === 0) return type;
  throw new Error(`No tensor type for rows of ${row}`);
};

/** All tensors of the shape, in the order of a real file. Pure. */
export function tensorsOf(shape: SyntheticShape): SyntheticTensor[] {
  const { embeddingLength: width, feedForward, heads, kvHeads, headLength, vocabulary, experts } = shape;
  const f32 = fitting('F32', 1);
  const matrix = (name: string, rowLength: number, rows: number, type: string, more: Partial<SyntheticTensor> = {}): SyntheticTensor => ({ name: `${name}.weight`, dims: [rowLength, rows], type: fitting(type, rowLength), ...more });
  const vector = (name: string, length: number): SyntheticTensor => ({ name, dims: [length], type: f32 });
  const stacked = (name: string, rowLength: number, rows: number, type: string): SyntheticTensor => ({ name: `${name}.weight`, dims: [rowLength, rows, experts?.count ?? 1], type: fitting(type, rowLength) });
  const q = heads * headLength, kv = kvHeads * headLength;
  const tensors: SyntheticTensor[] = [matrix('token_embd', width, vocabulary, shape.types.inputEmbedding, { sigma: EMBEDDING_SIGMA })];
  for (let i = 0; i < shape.layers; i++) {
    const at = `blk.${i}`;
    const { most, fine } = shape.types.layers[i] ?? shape.types.layers[0] ?? { most: 'Q4_0', fine: 'Q4_0' };
    tensors.push(vector(`${at}.attn_norm.weight`, width), matrix(`${at}.attn_q`, width, q, most), matrix(`${at}.attn_k`, width, kv, most), matrix(`${at}.attn_v`, width, kv, fine), matrix(`${at}.attn_output`, q, width, most));
    if (shape.architecture === 'qwen2') tensors.push(vector(`${at}.attn_q.bias`, q), vector(`${at}.attn_k.bias`, kv), vector(`${at}.attn_v.bias`, kv));
    if (shape.architecture === 'qwen3') tensors.push(vector(`${at}.attn_q_norm.weight`, headLength), vector(`${at}.attn_k_norm.weight`, headLength));
    tensors.push(vector(`${at}.ffn_norm.weight`, width));
    if (experts === null) tensors.push(matrix(`${at}.ffn_gate`, width, feedForward, most), matrix(`${at}.ffn_up`, width, feedForward, most), matrix(`${at}.ffn_down`, feedForward, width, fine));
    else tensors.push(matrix(`${at}.ffn_gate_inp`, width, experts.count, 'F32'), stacked(`${at}.ffn_gate_exps`, width, feedForward, most), stacked(`${at}.ffn_up_exps`, width, feedForward, most), stacked(`${at}.ffn_down_exps`, feedForward, width, fine));
  }
  tensors.push(vector('output_norm.weight', width));
  // Three times as spread as the input: the tokens whose rows are zeros are then unlikely when sampled, too.
  if (shape.types.output !== null) tensors.push(matrix('output', width, vocabulary, shape.types.output, { zeroRows: FIXED_TOKENS, sigma: 3 / Math.sqrt(width) }));
  return tensors;
}

/** The type whose bytes for these dimensions are nearest to what the file has. */
function nearestType(candidates: readonly string[], dims: readonly number[], bytes: number): string {
  const distance = (name: string): number => Math.abs(tensorBytesOf(fitting(name, dims[0] ?? 1), dims) - bytes);
  return candidates.reduce((best, name) => (distance(name) < distance(best) ? name : best), candidates[0] ?? 'Q4_0');
}

/** The usual lengths of a head, tried in this order. */
const HEAD_LENGTHS = [128, 64, 96, 80, 256, 32] as const;

/**
 * A shape that reads as many bytes a token as the model of these facts: layers, widths, K and V lengths, experts and
 * vocabulary as they are; what the facts do not hold (length of a head, feed-forward width) is found from the
 * parameters. Where the file's beginning is at hand, `writeSyntheticFromHeader` is exact instead. Pure; null when the
 * facts do not suffice.
 */
export function shapeOf(facts: GgufFacts): SyntheticShape | null {
  const { layers, embeddingLength: width, vocabulary } = facts;
  if (width === null || vocabulary === null || layers < 1 || layers > 1024 || width % 32 !== 0 || width > 65_536) return null;
  const kv = Math.max(...facts.kvElementsPerToken.k, 0);
  const headLength = HEAD_LENGTHS.find((n) => width % n === 0 && kv % n === 0 && kv > 0);
  if (headLength === undefined || kv > width) return null;
  const heads = width / headLength, kvHeads = kv / headLength;
  const experts = facts.experts !== null && facts.experts > 1 && facts.experts <= 1024 ? { count: facts.experts, used: Math.max(1, Math.min(facts.experts, facts.expertsUsed ?? 1)) } : null;
  const tied = facts.bytes.output === 0;
  const embeddings = vocabulary * width * (tied ? 1 : 2);
  const inLayer = (facts.parameters - embeddings) / layers - 2 * width * width - 2 * width * kv;
  const feedForward = Math.round(inLayer / (3 * width * (experts?.count ?? 1)) / 32) * 32;
  if (!(feedForward >= 32) || feedForward > 1_048_576) return null;
  const used = facts.types.map((t) => t.type.toUpperCase()).filter((name) => (ggmlTypeByName(name)?.layout ?? 'zeros') !== 'zeros');
  const known = used.filter((name) => name !== 'F32');
  const most = known[0] ?? used[0];
  if (most === undefined) return null;
  const [embeddingDims, outputDims] = [[width, vocabulary], [width, vocabulary]];
  const shape: SyntheticShape = {
    architecture: facts.architecture === 'qwen2' || facts.architecture === 'qwen3' ? facts.architecture : 'llama',
    name: `Random weights, shaped like ${facts.name ?? facts.architecture}`,
    contextTrained: facts.contextTrained ?? 8192,
    layers, embeddingLength: width, feedForward, heads, kvHeads, headLength,
    vocabulary: Math.max(vocabulary, FIXED_TOKENS), experts,
    types: {
      inputEmbedding: nearestType(known, embeddingDims, facts.bytes.inputEmbedding),
      output: tied ? null : nearestType(known, outputDims, facts.bytes.output),
      layers: [],
    },
    chatTemplate: null,
  };
  // Each layer takes the finer type for V and the feed-forward's way down when that comes nearer to its bytes.
  const second = known[1] ?? most;
  const layerBytes = (fine: string): number => tensorsOf({ ...shape, layers: 1, types: { ...shape.types, layers: [{ most, fine }] } }).filter((t) => t.name.startsWith('blk.')).reduce((sum, t) => sum + tensorBytesOf(t.type, t.dims), 0);
  const [plain, finer] = [layerBytes(most), layerBytes(second)];
  const layerTypes = Array.from({ length: layers }, (_, i) => {
    const wished = facts.bytes.layers[i] ?? plain;
    return { most, fine: Math.abs(finer - wished) < Math.abs(plain - wished) ? second : most };
  });
  return { ...shape, types: { ...shape.types, layers: layerTypes } };
}
