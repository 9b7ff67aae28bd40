import type { GgufHeader, HeaderValue } from './parse-gguf.ts';

/** What each layer keeps of a token, as llama.cpp v0.5.0 allots it (llama-hparams.cpp, llama-kv-cache*.cpp, src/models). */
export interface LayerPlan {
  readonly layers: number;
  readonly k: readonly number[];
  readonly v: readonly number[];
  readonly slidingWindow: number | null;
  readonly windowed: readonly boolean[];
  readonly recurrentBytes: number;
}

/** How a model without a list of its windowed layers mixes them: `every`: all but each n-th look back a window only. */
interface WindowRule {
  readonly every: number;
  readonly denseFirst?: boolean;
  /** Window where the file names none. */
  readonly window?: number;
  /** The rule holds even when the file names no window. */
  readonly always?: boolean;
}
const windowRules: ReadonlyMap<string, WindowRule> = new Map<string, WindowRule>([
  ['afmoe', { every: 4 }], ['cohere2', { every: 4 }], ['cohere2moe', { every: 4, denseFirst: true }],
  ['exaone-moe', { every: 4, window: 128, always: true }], ['exaone4', { every: 4, window: 4096 }],
  ['gemma-embedding', { every: 6 }], ['gemma2', { every: 2, window: 4096, always: true }], ['gemma3', { every: 6 }], ['gemma3n', { every: 5 }],
  ['laguna', { every: 4, denseFirst: true }], ['llama4', { every: 4, window: 8192, always: true }], ['mellum', { every: 4 }],
  ['modern-bert', { every: 3, denseFirst: true }], ['muse-glimmer', { every: 4 }], ['olmo2', { every: 4 }], ['gpt-oss', { every: 2 }],
  ['plamo3', { every: 8 }], ['smallthinker', { every: 4, denseFirst: true, window: 4096 }],
]);
/** They name a window that llama.cpp does not use. */
const windowIgnored = new Set(['phi3', 'phimoe', 'qwen2', 'qwen2moe', 'qwen2vl', 'qwen3', 'qwen3moe', 'llama', 'mistral3', 'starcoder2', 'deepseek4', 'dflash']);
/** All layers are recurrent; none keeps keys. */
const recurrentOnly = new Set(['mamba', 'mamba2', 'rwkv6', 'rwkv6qwen2', 'rwkv7', 'arwkv7']);
/** Every n-th layer has attention, the others a recurrent state; `full_attention_interval`, 4 where it is not named. */
const intervalHybrids = new Set(['qwen3next', 'qwen35', 'qwen35moe', 'qwen4exp', 'minimax-01']);
const MAX_LAYERS = 1024;

/** Pure. Values that make no sense count as not given. */
export function decideLayerPlan(header: GgufHeader, architecture: string, layerCount: number): LayerPlan {
  const value = (key: string): HeaderValue | undefined => header.values.get(`${architecture}.${key}`);
  const number = (key: string): number | null => positive(value(key));
  const perLayer = (key: string): ((layer: number) => number | null) => {
    const given = value(key);
    if (typeof given === 'object') return (layer) => positive(given.values?.[layer], true);
    const all = positive(given, true);
    return () => all;
  };

  const layers = Math.min(layerCount, MAX_LAYERS);
  const indexes = Array.from({ length: layers }, (_, layer) => layer);
  const embedding = number('embedding_length') ?? 0;
  const heads = perLayer('attention.head_count');
  const kvHeads = perLayer('attention.head_count_kv');
  const headCount = Math.max(0, ...indexes.map((layer) => heads(layer) ?? 0));
  const usual = headCount > 0 ? embedding / headCount : 0;
  const keyLength = number('attention.key_length') ?? usual;
  const valueLength = number('attention.value_length') ?? usual;
  const mla = number('attention.key_length_mla') !== null && number('attention.value_length_mla') !== null;

  const { window, windowed } = decideWindow(value, number, architecture, indexes);
  const keyLengthWindow = number('attention.key_length_swa') ?? keyLength;
  const valueLengthWindow = number('attention.value_length_swa') ?? valueLength;
  const ownCache = architecture === 'gemma3n' ? 20 : layers - (number('attention.shared_kv_layers') ?? 0);

  const recurrentList = value('attention.recurrent_layers');
  const interval = number('full_attention_interval') ?? 4;
  const feedForward = perLayer('feed_forward_length');
  const isRecurrent = (layer: number): boolean => {
    if (recurrentOnly.has(architecture)) return true;
    if (intervalHybrids.has(architecture)) return typeof recurrentList === 'object' ? Boolean(recurrentList.values?.[layer]) : (layer + 1) % interval !== 0;
    if (!hasState) return false;
    if (architecture === 'falcon-h1') return true;
    if (architecture.startsWith('nemotron_h')) return (kvHeads(layer) ?? 0) === 0 && (feedForward(layer) ?? 0) === 0;
    return (kvHeads(layer) ?? headCount) === 0;
  };
  const state = recurrentElements(number, embedding, headCount);
  const hasState = state > 0;
  const recurrentLayers = indexes.filter(isRecurrent).length;

  const keeps = (layer: number): boolean => !(recurrentOnly.has(architecture) || layer >= ownCache || (isRecurrent(layer) && architecture !== 'falcon-h1'));
  const cacheHeads = (layer: number): number => kvHeads(layer) ?? heads(layer) ?? 0;
  return {
    layers,
    k: indexes.map((layer) => (keeps(layer) ? cacheHeads(layer) * (windowed[layer] === true ? keyLengthWindow : keyLength) : 0)),
    // With multi-head latent attention the values are a view into the keys.
    v: indexes.map((layer) => (keeps(layer) && !mla ? cacheHeads(layer) * (windowed[layer] === true ? valueLengthWindow : valueLength) : 0)),
    slidingWindow: window,
    windowed,
    // The states are kept as 32-bit numbers.
    recurrentBytes: recurrentLayers * state * 4,
  };
}

function decideWindow(value: (key: string) => HeaderValue | undefined, number: (key: string) => number | null, architecture: string, indexes: readonly number[]): { window: number | null; windowed: boolean[] } {
  const rule = windowRules.get(architecture);
  const named = number('attention.sliding_window');
  const zero = value('attention.sliding_window') === 0;
  const pattern = value('attention.sliding_window_pattern');
  const none = { window: null, windowed: [] };
  if (zero || windowIgnored.has(architecture)) return none;
  if (rule === undefined && (named === null || pattern === undefined)) return none;
  if (rule !== undefined && named === null && rule.always !== true) return none;
  // llama.cpp overrides what a Llama 4 file names.
  const window = architecture === 'llama4' ? 8192 : (named ?? rule?.window ?? null);
  if (window === null) return none;
  if (typeof pattern === 'object') return { window, windowed: indexes.map((layer) => Boolean(pattern.values?.[layer])) };
  const every = positive(pattern) ?? rule?.every ?? 1;
  return { window, windowed: indexes.map((layer) => (rule?.denseFirst === true ? layer % every !== 0 : layer % every < every - 1)) };
}

/** Elements of the state of one recurrent layer: n_embd_r + n_embd_s of llama-hparams.cpp. */
function recurrentElements(number: (key: string) => number | null, embedding: number, heads: number): number {
  const wkv = number('wkv.head_size');
  if (wkv !== null) return (number('token_shift_count') ?? 2) * embedding + embedding * wkv;
  const short = number('shortconv.l_cache');
  if (short !== null) return embedding * (short - 1);
  const kda = number('kda.head_dim');
  const kernel = number('ssm.conv_kernel');
  if (kda !== null) return 3 * (kernel === null ? 3 : kernel - 1) * heads * kda + kda * kda * heads;
  const inner = number('ssm.inner_size') ?? 0;
  const size = number('ssm.state_size') ?? 0;
  return (kernel === null ? 0 : kernel - 1) * (inner + 2 * (number('ssm.group_count') ?? 0) * size) + size * inner;
}

function positive(value: HeaderValue | undefined, zeroCounts = false): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value < 1e12 && (zeroCounts ? value >= 0 : value > 0) ? value : null;
}
