import type { TensorGroup } from '../../../contract/models.ts';
import type { HeaderTensor } from './parse-gguf.ts';

/** As the contract allows; a model has about ten groups a file. */
const MAX_GROUPS = 4096;

/**
 * What llama.cpp v0.5.0 does with a tensor follows from its name (LLM_TENSOR_NAMES and LLM_TENSOR_INFOS in
 * llama-arch.cpp): almost all matrices are multiplied with; these are read row by row (GGML_OP_GET_ROWS), …
 */
const lookups = /^(?:token_embd|position_embd|token_types|per_layer_token_embd|d2t|markov_w1|selector_(?:predecessor|successor)|(?:\w+\.)?blk\.\d{1,4}\.(?:attn_compressor_ape|indexer_compressor_ape|ffn_gate_tid2eid|nextn\.embed_tokens|(?:cross_)?attn_rel_b))\.weight$/;
/** … and these are added, multiplied value by value, or convolved. */
const elementwise = /norm|lerp|scale|gamma|_base$|res_score|conv1d|conv[12]?$|\.dw$|masked_embd|time_mix_(?:first|decay|[wav]0|[kr]_[ka]|ln)$/;
/** Stacks of experts (GGML_OP_MUL_MAT_ID). */
const experts = /\.ffn_\w+_(?:ch)?exps\.weight$/;
/** Architectures that have no output over the vocabulary, so that their token embedding serves nowhere else. */
const withoutOutput = /bert|^t5encoder$/;

/** Gathers the tensors of each file of a model by type and use. Pure; null: too many groups to be told. */
export function groupTensors(files: readonly (readonly HeaderTensor[])[], architecture: string, layers: number): TensorGroup[] | null {
  const tied = !withoutOutput.test(architecture) && !files.some((tensors) => tensors.some(({ name }) => name === 'output.weight'));
  const groups = new Map<string, TensorGroup>();
  for (const [file, tensors] of files.entries()) {
    for (const tensor of tensors) {
      const use = useOf(tensor, layers, tied);
      const rowsMultipleOf = use === 'lookup' || use === 'other' ? 1 : divisorOf(tensor);
      const key = `${file} ${tensor.type.name} ${use} ${rowsMultipleOf}`;
      const group = groups.get(key) ?? { file, type: tensor.type.name, use, rowsMultipleOf, bytes: 0, firstByte: tensor.offset, endByte: 0 };
      group.bytes += tensor.bytes;
      group.firstByte = Math.min(group.firstByte, tensor.offset);
      group.endByte = Math.max(group.endByte, tensor.offset + tensor.bytes);
      groups.set(key, group);
    }
  }
  return groups.size > MAX_GROUPS ? null : [...groups.values()];
}

function useOf({ name, dimensions }: HeaderTensor, layers: number, tied: boolean): TensorGroup['use'] {
  if (name === 'token_embd.weight') return tied ? 'both' : 'lookup';
  if (lookups.test(name)) return 'lookup';
  const block = /^blk\.(\d{1,4})\./.exec(name)?.[1];
  // Layers beyond those that count guess the next token but one; they are not loaded.
  if (!name.endsWith('.weight') || (block !== undefined && Number(block) >= layers)) return 'other';
  const ranks = dimensions.findLastIndex((length) => length > 1) + 1;
  if (ranks === 3 && experts.test(name)) return 'experts';
  return ranks === 2 && !experts.test(name) && !elementwise.test(name.slice(0, -'.weight'.length)) ? 'product' : 'other';
}

function divisorOf({ dimensions }: HeaderTensor): number {
  const [length = 1, rows = 1] = dimensions;
  return length % 16 === 0 ? ([32, 16, 8, 4].find((n) => rows % n === 0) ?? 1) : 1;
}
