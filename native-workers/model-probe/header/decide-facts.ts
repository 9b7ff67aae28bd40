import type { GgufFacts, TensorBytes } from '../../../contract/models.ts';
import { checkTemplate } from './check-template.ts';
import { groupTensors } from './group-tensors.ts';
import { decideLayerPlan } from './layer-plan.ts';
import type { GgufHeader, HeaderTensor, HeaderValue } from './parse-gguf.ts';
import { fileTypes } from './tensor-types.ts';

const MAX_LAYERS = 1024;
const MAX_SHOWN = 500;

/**
 * What the heads of a model's files say: all keys are in the first, the tensors are spread over all. Pure.
 */
export function decideFacts(first: GgufHeader, others: readonly GgufHeader[]): GgufFacts {
  const architecture = text(first, 'general.architecture') ?? 'unknown';
  const own = (key: string): HeaderValue | undefined => first.values.get(`${architecture}.${key}`);
  const number = (key: string): number | null => whole(own(key));
  const tensors = [first, ...others].flatMap((header) => header.tensors);
  const blocks = tensors.reduce((most, tensor) => Math.max(most, (blockOf(tensor) ?? -1) + 1), 0);
  // Layers that guess the next token but one come last; llama.cpp does not count them.
  const layers = Math.min(MAX_LAYERS, Math.max(0, (number('block_count') ?? blocks) - (number('nextn_predict_layers') ?? 0)));
  const plan = decideLayerPlan(first, architecture, layers);
  const bytes = sumBytes(tensors, layers);
  const groups = groupTensors([first, ...others].map((header) => header.tensors), architecture, layers);

  const parameters = tensors.reduce((sum, tensor) => sum + tensor.elements, 0);
  const expertParameters = tensors.filter(isExpert).reduce((sum, tensor) => sum + tensor.elements, 0);
  const experts = number('expert_count');
  const expertsUsed = number('expert_used_count') ?? (experts === null ? null : firstOf(own('expert_used_count')));
  const share = experts !== null && experts > 0 && expertsUsed !== null ? Math.min(1, expertsUsed / experts) : 1;
  const widest = (key: string): number => number(key) ?? firstOf(own(key)) ?? 0;
  const heads = widest('attention.head_count');
  const feedForward = Math.max(experts === null || widest('expert_feed_forward_length') === 0 ? widest('feed_forward_length') : 0, (experts === null ? 0 : (expertsUsed ?? 1)) * (widest('expert_feed_forward_length') || widest('feed_forward_length')) + widest('expert_shared_feed_forward_length'));
  const template = text(first, 'tokenizer.chat_template', Infinity);
  const tokens = first.values.get('tokenizer.ggml.tokens');
  const licence = { id: text(first, 'general.license'), name: text(first, 'general.license.name'), link: text(first, 'general.license.link') };
  const splitCount = whole(first.values.get('split.count')) ?? 0;
  return {
    version: first.version,
    architecture,
    name: text(first, 'general.name'),
    sizeLabel: text(first, 'general.size_label'),
    quantisation: decideQuantisation(first, tensors),
    types: sumTypes(tensors),
    parameters,
    activeParameters: Math.round(parameters - expertParameters * (1 - share)),
    layers,
    contextTrained: number('context_length'),
    embeddingLength: number('embedding_length'),
    kvElementsPerToken: { k: [...plan.k], v: [...plan.v] },
    slidingWindow: plan.slidingWindow,
    windowedLayers: [...plan.windowed],
    ...(heads > 0 ? { attentionHeads: heads } : {}),
    ...(feedForward > 0 ? { feedForward } : {}),
    recurrentBytes: plan.recurrentBytes,
    vocabulary: typeof tokens === 'object' ? tokens.length : number('vocab_size'),
    experts,
    expertsUsed,
    tokenizer: text(first, 'tokenizer.ggml.model'),
    template: template === null || template === '' ? null : checkTemplate(template),
    licence: licence.id === null && licence.name === null && licence.link === null ? null : licence,
    tensors: tensors.length,
    bytes,
    ...(groups === null ? {} : { groups }),
    split: splitCount > 1 ? { part: (whole(first.values.get('split.no')) ?? 0) + 1, of: splitCount } : null,
    endsAtByte: first.endsAtByte,
    embeddingOnly: isEmbeddingOnly(first, architecture, own),
  };
}

function sumBytes(tensors: readonly HeaderTensor[], layers: number): TensorBytes {
  const byLayer = Array.from({ length: layers }, () => 0);
  const sums = { total: 0, inputEmbedding: 0, output: 0, experts: 0, rest: 0 };
  for (const tensor of tensors) {
    sums.total += tensor.bytes;
    const block = blockOf(tensor);
    const before = block === null ? undefined : byLayer[block];
    if (block !== null && before !== undefined) {
      byLayer[block] = before + tensor.bytes;
      if (isExpert(tensor)) sums.experts += tensor.bytes;
    } else if (tensor.name === 'token_embd.weight') sums.inputEmbedding += tensor.bytes;
    else if (tensor.name === 'output.weight') sums.output += tensor.bytes;
    else sums.rest += tensor.bytes;
  }
  return { ...sums, layers: byLayer };
}

function blockOf(tensor: HeaderTensor): number | null {
  const match = /^blk\.(\d{1,4})\./.exec(tensor.name);
  return match === null ? null : Number(match[1]);
}

const isExpert = (tensor: HeaderTensor): boolean => /\.ffn_\w+_exps\./.test(tensor.name);

function sumTypes(tensors: readonly HeaderTensor[]): { type: string; bytes: number }[] {
  const sums = new Map<string, number>();
  for (const { type, bytes } of tensors) sums.set(type.name, (sums.get(type.name) ?? 0) + bytes);
  return [...sums].map(([type, bytes]) => ({ type, bytes })).sort((a, b) => b.bytes - a.bytes);
}

/** The file's own word for it, else the type that most bytes have. */
function decideQuantisation(header: GgufHeader, tensors: readonly HeaderTensor[]): string {
  const said = fileTypes.get(whole(header.values.get('general.file_type')) ?? -1);
  const most = sumTypes(tensors)[0]?.type;
  // Makers forget to set the type, and 0 is "all F32": the tensors know better.
  if (said !== undefined && !(said === 'F32' && most !== undefined && most !== 'F32')) return said;
  return most ?? 'unknown';
}

function isEmbeddingOnly(header: GgufHeader, architecture: string, own: (key: string) => HeaderValue | undefined): boolean {
  if (/bert|embed/.test(architecture) || architecture === 't5encoder') return true;
  const pooling = whole(own('pooling_type'));
  return own('attention.causal') === false || (pooling !== null && pooling > 0 && !header.values.has('tokenizer.chat_template'));
}

function text(header: GgufHeader, key: string, limit = MAX_SHOWN): string | null {
  const value = header.values.get(key);
  return typeof value === 'string' ? value.slice(0, limit).replace(limit === Infinity ? /$^/ : /[\p{Cc}]/gu, ' ') : null;
}

function whole(value: HeaderValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 1e12 ? value : null;
}

function firstOf(value: HeaderValue | undefined): number | null {
  return typeof value === 'object' ? Math.max(0, ...(value.values ?? []).filter((one) => typeof one === 'number')) : null;
}
