import { z } from 'zod';
import { ProblemError } from '../../../contract/problem.ts';
import { decideSoftware } from './decide-software.ts';
import { networkProblem, openRequest, readBounded, readRefusal, type ServerAccess } from './open-request.ts';

/** What a server says of itself. */
export interface ServerFacts {
  /** The address at which its API answered. */
  readonly baseUrl: string;
  readonly models: readonly string[];
  readonly software: string | null;
  /** Context of a model, tokens, where it is told. */
  readonly contexts: ReadonlyMap<string, number>;
}

const WITHIN_MS = 10_000;
/** Of the signs that only some servers have. */
const SIGN_WITHIN_MS = 2000;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_MODELS = 2000;

const tokens = z.number().int().positive().max(1e9).nullish().catch(null);
/** A name is shown and sent back: no control characters, no end of line. */
const modelId = z.string().min(1).max(512).regex(/^\P{Cc}+$/u);
const modelEntry = z.object({
  id: modelId,
  owned_by: z.string().max(200).nullish().catch(null),
  // vLLM; OpenRouter; LM Studio; Groq; llama-server.
  max_model_len: tokens, context_length: tokens, loaded_context_length: tokens, context_window: tokens,
  meta: z.object({ n_ctx: tokens }).nullish().catch(null),
});
const modelList = z.object({ data: z.array(z.unknown()) });
const props = z.object({ default_generation_settings: z.object({ n_ctx: tokens }) });

/**
 * The models of a server, at the first of these addresses that answers like one.
 * @throws ProblemError `provider.no_answer`, `provider.refused`
 */
export async function readModels(server: Omit<ServerAccess, 'baseUrl'>, baseUrls: readonly string[], signal: AbortSignal): Promise<ServerFacts> {
  let failure: unknown = null;
  for (const baseUrl of baseUrls) {
    try {
      return await readAt({ ...server, baseUrl }, signal);
    } catch (error) {
      failure = moreTelling(failure, error);
      // Who does not answer does not answer at another path either.
      if (!(error instanceof ProblemError) || error.problem.code === 'provider.no_answer') break;
    }
  }
  throw failure;
}

/** A wrong key says more than an address that is not there. */
function moreTelling(before: unknown, after: unknown): unknown {
  const status = (error: unknown): unknown => (error instanceof ProblemError ? error.problem.facts['status'] : null);
  return before !== null && (status(after) === 404 || status(before) === 401 || status(before) === 403) ? before : after;
}

async function readAt(server: ServerAccess, signal: AbortSignal): Promise<ServerFacts> {
  const { response, text } = await ask(server, `${server.baseUrl}/models`, WITHIN_MS, signal);
  const entries = parseModels(text);
  if (entries === null) throw new ProblemError(await readRefusal(server, response, text));
  const { headers } = response;
  const signs = { server: headers.get('server'), poweredBy: headers.get('x-powered-by'), ownedBy: entries.flatMap((one) => one.owned_by ?? []) };
  const root = server.baseUrl.replace(/\/v\d[^/]*$/, '');
  const software = decideSoftware({ ...signs, ollamaVersion: false }) ?? decideSoftware({ ...signs, ollamaVersion: (await readSign(server, `${root}/api/version`, z.object({ version: z.string() }), signal)) !== null });
  const contexts = new Map(entries.flatMap((one): [string, number][] => {
    const found = one.loaded_context_length ?? one.meta?.n_ctx ?? one.max_model_len ?? one.context_length ?? one.context_window;
    return found == null ? [] : [[one.id, found]];
  }));
  const only = software === 'llama-server' && contexts.size === 0 ? (await readSign(server, `${root}/props`, props, signal))?.default_generation_settings.n_ctx : null;
  if (only != null) for (const { id } of entries) contexts.set(id, only);
  return { baseUrl: server.baseUrl, models: [...new Set(entries.map((one) => one.id))], software, contexts };
}

/** null: this is no list of models. Entries that do not fit are left out. */
function parseModels(text: string): z.infer<typeof modelEntry>[] | null {
  try {
    const { data } = modelList.parse(JSON.parse(text));
    return data.slice(0, MAX_MODELS).flatMap((one) => modelEntry.safeParse(one).data ?? []);
  } catch {
    return null;
  }
}

async function ask(server: ServerAccess, url: string, withinMs: number, signal: AbortSignal): Promise<{ response: Response; text: string }> {
  const abort = new AbortController();
  const stop = (): void => abort.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const whole = setTimeout(() => abort.abort(networkProblem(server, url, Object.assign(new Error('late'), { code: 'ETIMEDOUT' }))), withinMs * 2);
  try {
    const response = await openRequest(server, url, { withinMs, abort });
    const { text, whole: complete } = await readBounded(response, MAX_BYTES);
    return { response, text: complete ? text : '' };
  } catch (error) {
    throw networkProblem(server, url, abort.signal.aborted ? abort.signal.reason : error);
  } finally {
    clearTimeout(whole);
    signal.removeEventListener('abort', stop);
  }
}

/** Something that only one kind of server answers; null: this one does not. */
async function readSign<T>(server: ServerAccess, url: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return shape.safeParse(JSON.parse((await ask(server, url, SIGN_WITHIN_MS, signal)).text)).data ?? null;
  } catch {
    return null;
  }
}
