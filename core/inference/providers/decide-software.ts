/** What tells a server's software: of its answer to "which models", and of its own address. */
export interface SoftwareSigns {
  readonly server: string | null;
  readonly poweredBy: string | null;
  /** Who the models say they belong to. */
  readonly ownedBy: readonly string[];
  /** Ollama tells its version under an address of its own. */
  readonly ollamaVersion: boolean;
}

const owners: Readonly<Record<string, string>> = { llamacpp: 'llama-server', 'llama.cpp': 'llama-server', vllm: 'vLLM', sglang: 'SGLang', warpdeck: 'Warpdeck', library: 'Ollama', organization_owner: 'LM Studio', koboldcpp: 'KoboldCpp' };

/** null: an OpenAI-compatible server of another kind. Pure. */
export function decideSoftware({ server, poweredBy, ownedBy, ollamaVersion }: SoftwareSigns): string | null {
  if (server !== null && /^llama\.cpp/i.test(server)) return 'llama-server';
  for (const owner of ownedBy) {
    const known = owners[owner.toLowerCase()];
    // The title of LM Studio's owner is OpenAI's word for any organisation; with Express beside it there is no doubt.
    if (known !== undefined && (known !== 'LM Studio' || poweredBy === 'Express')) return known;
  }
  return ollamaVersion ? 'Ollama' : null;
}

/** How a server takes what OpenAI's API has no name for; a server that is not named here is not sent any of it. */
export interface Dialect {
  readonly topK: string | null;
  readonly minP: string | null;
  readonly repeatPenalty: string | null;
  readonly repeatLastTokens: string | null;
  /** Value of top-k that means "all". */
  readonly noTopK: number;
  /** Where a GBNF grammar goes; null: it cannot be given one. */
  readonly grammar: 'grammar' | 'structured_outputs' | null;
}

const plain: Dialect = { topK: null, minP: null, repeatPenalty: null, repeatLastTokens: null, noTopK: 0, grammar: null };
const ofLlama: Dialect = { topK: 'top_k', minP: 'min_p', repeatPenalty: 'repeat_penalty', repeatLastTokens: 'repeat_last_n', noTopK: 0, grammar: 'grammar' };
const dialects: Readonly<Record<string, Dialect>> = {
  'llama-server': ofLlama,
  vLLM: { ...plain, topK: 'top_k', minP: 'min_p', repeatPenalty: 'repetition_penalty', noTopK: -1, grammar: 'structured_outputs' },
  SGLang: { ...plain, topK: 'top_k', minP: 'min_p', repeatPenalty: 'repetition_penalty', noTopK: -1 },
  'LM Studio': { ...plain, topK: 'top_k', minP: 'min_p', repeatPenalty: 'repeat_penalty' },
};

export const dialectOf = (software: string | null): Dialect => (software === null ? plain : (dialects[software] ?? plain));
