import { encodeMetadata, encodeStart, encodeTensor, alignUp, type GgufValue } from './gguf-header.ts';
import { tensorBytesOf } from './ggml-types.ts';
import { FIXED_TOKENS, tensorsOf, type SyntheticShape } from './synthetic-shape.ts';
import { writeTensors, type WriteSyntheticOptions, type WrittenModel } from './write-tensors.ts';

/** In the metadata of every file that is made here. */
export const SYNTHETIC_KEY = 'warpdeck.synthetic';

/** A byte-level vocabulary: every text can be tokenised, every token has a text of its own. */
function vocabularyOf(count: number): { tokens: string[]; types: number[]; scores: number[] } {
  const tokens = ['<unk>', '<s>', '</s>', '<|im_start|>', '<|im_end|>'];
  const types = [2, 3, 3, 3, 3];
  for (let byte = 0; byte < 256; byte++) {
    tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    types.push(6);
  }
  tokens.push('\u2581');
  types.push(1);
  for (let i = 0; tokens.length < count; i++) {
    tokens.push(i % 2 === 0 ? `\u2581w${i}` : `x${i}`);
    types.push(1);
  }
  return { tokens, types, scores: tokens.map((_, i) => (i < 3 ? 0 : -i)) };
}

function metadataOf(shape: SyntheticShape): [string, GgufValue][] {
  const a = shape.architecture;
  const { tokens, types, scores } = vocabularyOf(shape.vocabulary);
  const u32 = (value: number): GgufValue => ({ t: 'u32', value });
  return [
    ['general.architecture', { t: 'string', value: a }],
    ['general.name', { t: 'string', value: shape.name }],
    [SYNTHETIC_KEY, { t: 'bool', value: true }],
    [`${a}.context_length`, u32(shape.contextTrained)],
    [`${a}.embedding_length`, u32(shape.embeddingLength)],
    [`${a}.block_count`, u32(shape.layers)],
    [`${a}.feed_forward_length`, u32(shape.feedForward)],
    [`${a}.attention.head_count`, u32(shape.heads)],
    [`${a}.attention.head_count_kv`, u32(shape.kvHeads)],
    [`${a}.attention.key_length`, u32(shape.headLength)],
    [`${a}.attention.value_length`, u32(shape.headLength)],
    [`${a}.attention.layer_norm_rms_epsilon`, { t: 'f32', value: 1e-5 }],
    [`${a}.rope.dimension_count`, u32(shape.headLength)],
    [`${a}.vocab_size`, u32(shape.vocabulary)],
    ...(shape.experts === null ? [] : [[`${a}.expert_count`, u32(shape.experts.count)], [`${a}.expert_used_count`, u32(shape.experts.used)]] satisfies [string, GgufValue][]),
    ['tokenizer.ggml.model', { t: 'string', value: 'llama' }],
    ['tokenizer.ggml.tokens', { t: 'strings', value: tokens }],
    ['tokenizer.ggml.scores', { t: 'f32s', value: scores }],
    ['tokenizer.ggml.token_type', { t: 'i32s', value: types }],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
    ['tokenizer.ggml.unknown_token_id', u32(0)],
    ['tokenizer.ggml.eot_token_id', u32(4)],
    ['tokenizer.ggml.add_bos_token', { t: 'bool', value: true }],
    ['tokenizer.ggml.add_eos_token', { t: 'bool', value: false }],
    ...(shape.chatTemplate === null ? [] : [['tokenizer.chat_template', { t: 'string', value: shape.chatTemplate }]] satisfies [string, GgufValue][]),
  ];
}

/** Header and tensors of the file, and how long it will be, bytes. Pure. */
export function planSyntheticModel(shape: SyntheticShape): { header: Buffer; tensors: ReturnType<typeof tensorsOf>; bytes: number } {
  if (shape.vocabulary < FIXED_TOKENS || shape.vocabulary > 2_000_000) throw new Error(`A vocabulary of ${shape.vocabulary} cannot be written`);
  const tensors = tensorsOf(shape);
  const metadata = metadataOf(shape);
  let offset = 0;
  const infos = tensors.map((tensor) => {
    const info = encodeTensor(tensor, offset);
    offset += alignUp(tensorBytesOf(tensor.type, tensor.dims));
    return info;
  });
  const header = Buffer.concat([encodeStart(tensors.length, metadata.length), ...metadata.map(([key, value]) => encodeMetadata(key, value)), ...infos]);
  return { header, tensors, bytes: alignUp(header.length) + offset };
}

/**
 * Writes a GGUF file of this shape with random weights: it loads and computes like a real one and says nothing sensible.
 * @throws ProblemError `file.disk_full`, `file.not_writable`; the reason of `signal`
 */
export async function writeSyntheticModel(path: string, shape: SyntheticShape, options: WriteSyntheticOptions = {}): Promise<WrittenModel> {
  const { header, tensors } = planSyntheticModel(shape);
  return writeTensors(path, header, tensors, options);
}
