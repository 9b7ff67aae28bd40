import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, type Problem } from '../../../contract/problem.ts';
import { decideRefusal } from './decide-refusal.ts';

export interface ServerAccess {
  /** As the user calls it. */
  readonly name: string;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly key: string | null;
  readonly fetch: typeof fetch;
}

/** Of an error's body; of a list of models. */
export const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Asks a server and waits for the head of its answer. Redirects are not followed: the key stays with the host that
 * the user named. `abort` ends it at any time, with the reason that it is given.
 * @throws ProblemError `provider.no_answer`, `provider.refused`; else the reason of `abort`.
 */
export async function openRequest(server: ServerAccess, url: string, { body, withinMs, abort }: { readonly body?: unknown; readonly withinMs: number; readonly abort: AbortController }): Promise<Response> {
  const timer = setTimeout(() => abort.abort(noAnswer(server, url, `It said nothing within ${Math.round(withinMs / 1000)} s.`)), withinMs);
  try {
    const response = await server.fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: body === undefined ? 'application/json' : 'text/event-stream, application/json',
        // A proxy that compresses also collects, and a stream comes late.
        'accept-encoding': 'identity',
        'user-agent': 'warpdeck',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(server.key === null ? {} : { authorization: `Bearer ${server.key}` }),
      },
      redirect: 'manual',
      signal: abort.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new ProblemError(await readRefusal(server, response));
    return response;
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : networkProblem(server, url, error);
  } finally {
    clearTimeout(timer);
  }
}

/** The Problem in an answer that is none. */
export async function readRefusal(server: ServerAccess, response: Response, text?: string): Promise<Problem> {
  const { status, headers } = response;
  return decideRefusal({
    name: server.name,
    status,
    contentType: headers.get('content-type') ?? '',
    text: text ?? (await readBounded(response, MAX_ERROR_BYTES)).text,
    key: server.key,
    location: headers.get('location'),
    retryAfter: headers.get('retry-after'),
  });
}

/** The body's text, at most so many bytes of it; the rest is not read. */
export async function readBounded(response: Response, maxBytes: number): Promise<{ readonly text: string; readonly whole: boolean }> {
  const body: ReadableStream<Uint8Array> | null = response.body;
  if (body === null) return { text: '', whole: true };
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let bytes = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), whole: true };
    text += decoder.decode(value.subarray(0, maxBytes - bytes), { stream: true });
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await reader.cancel().catch(() => undefined);
      return { text, whole: false };
    }
  }
}

/** Why nothing came, in words; a ProblemError is handed on as it is. */
export function networkProblem(server: Pick<ServerAccess, 'name'>, url: string, error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return noAnswer(server, url, describeNetworkError(error), error);
}

export const noAnswer = (server: Pick<ServerAccess, 'name'>, url: string, detail: string, cause?: unknown): ProblemError =>
  problemError('provider.no_answer', { name: server.name, url: new URL(url).origin, detail }, cause === undefined ? {} : { cause });

export const noAnswerProblem = (server: Pick<ServerAccess, 'name' | 'baseUrl'>, detail: string): Problem =>
  makeProblem('provider.no_answer', { name: server.name, url: new URL(server.baseUrl).origin, detail });

const inWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there.',
  ENOTFOUND: 'This name is not known.',
  EAI_AGAIN: 'The name service does not answer.',
  EHOSTUNREACH: 'There is no way to it.',
  ENETUNREACH: 'There is no way to it.',
  ETIMEDOUT: 'No connection came about.',
  UND_ERR_CONNECT_TIMEOUT: 'No connection came about.',
  UND_ERR_HEADERS_TIMEOUT: 'It took the question and said nothing for 300 s.',
  UND_ERR_BODY_TIMEOUT: 'It stopped in the middle of its answer.',
  UND_ERR_SOCKET: 'It closed the connection.',
  ECONNRESET: 'It closed the connection.',
  EPIPE: 'It closed the connection.',
};

/** fetch says "fetch failed"; what happened is in its cause. */
export function describeNetworkError(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const known = inWords[code];
  if (known !== undefined) return known;
  if (/CERT|TLS|SSL|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(code)) return `Its certificate is not accepted (${code}).`;
  if (code.startsWith('HPE_') || (cause instanceof Error && cause.name === 'HTTPParserError')) return 'What listens there does not speak HTTP.';
  return cause instanceof Error ? cause.message.slice(0, 300) : 'The reason is not known.';
}
