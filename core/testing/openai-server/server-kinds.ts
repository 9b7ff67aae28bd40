import type { ScriptPiece } from './script-piece.ts';

export type ServerKind = 'llama-server' | 'vLLM' | 'Ollama' | 'LM Studio' | 'plain';
type Json = Record<string, unknown>;

const signs: Readonly<Record<ServerKind, { readonly headers: Readonly<Record<string, string>>; readonly ownedBy: string }>> = {
  'llama-server': { headers: { server: 'llama.cpp' }, ownedBy: 'llamacpp' },
  vLLM: { headers: { server: 'uvicorn' }, ownedBy: 'vllm' },
  Ollama: { headers: {}, ownedBy: 'library' },
  'LM Studio': { headers: { 'x-powered-by': 'Express' }, ownedBy: 'organization_owner' },
  plain: { headers: { server: 'nginx' }, ownedBy: 'somebody' },
};

/** What a server says of itself; `json` null: it has no such path. */
export function makeModels(kind: ServerKind, models: readonly string[], path: string): { headers: Readonly<Record<string, string>>; json: Json | null } {
  const { headers, ownedBy } = signs[kind];
  const extra = kind === 'vLLM' ? { max_model_len: 16_384 } : kind === 'llama-server' ? { meta: { n_ctx_train: 32_768 } } : {};
  if (path === '/v1/models') return { headers, json: { object: 'list', data: models.map((id) => ({ id, object: 'model', created: 1, owned_by: ownedBy, ...extra })) } };
  if (path === '/props' && kind === 'llama-server') return { headers, json: { default_generation_settings: { n_ctx: 4096 } } };
  if (path === '/api/version' && kind === 'Ollama') return { headers, json: { version: '0.12.3' } };
  return { headers, json: null };
}

interface ChunkOptions {
  /** `/v1/completions` has its text elsewhere. */
  readonly raw: boolean;
  readonly finish: string;
  readonly usage: { readonly prompt: number; readonly answer: number; readonly cached?: number } | null;
}

/** Chunks in the shape of that server: names of fields, where usage and timings come. */
export function makeChunks(kind: ServerKind, model: string, { raw, finish, usage }: ChunkOptions): { piece(one: ScriptPiece): Json; last(): Json[] } {
  const head = { id: 'chatcmpl-1', object: raw ? 'text_completion' : 'chat.completion.chunk', created: 1, model };
  const reasoning = kind === 'Ollama' ? 'reasoning' : 'reasoning_content';
  const chunk = (delta: Json, reason: string | null = null): Json => ({ ...head, choices: [{ index: 0, ...(raw ? { text: delta['content'] ?? '' } : { delta }), finish_reason: reason }] });
  return {
    piece(one) {
      if ('text' in one) return chunk({ content: one.text });
      if ('thinking' in one) return chunk({ content: null, [reasoning]: one.thinking });
      if ('tool' in one) return chunk({ tool_calls: [{ ...(one.tool.index === undefined ? {} : { index: one.tool.index }), ...(one.tool.id === undefined ? {} : { id: one.tool.id, type: 'function' }), function: { ...(one.tool.name === undefined ? {} : { name: one.tool.name }), arguments: one.tool.arguments } }] });
      return {};
    },
    last() {
      const end = chunk({}, finish);
      if (usage === null) return [end];
      const counted = { ...head, choices: [], usage: { prompt_tokens: usage.prompt, completion_tokens: usage.answer, total_tokens: usage.prompt + usage.answer, ...(usage.cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: usage.cached } }) } };
      if (kind !== 'llama-server') return [end, counted];
      const cached = usage.cached ?? 0;
      return [end, { ...counted, timings: { cache_n: cached, prompt_n: usage.prompt - cached, prompt_ms: 20, prompt_per_second: (usage.prompt - cached) / 0.02, predicted_n: usage.answer, predicted_ms: 100, predicted_per_second: usage.answer / 0.1 } }];
    },
  };
}
