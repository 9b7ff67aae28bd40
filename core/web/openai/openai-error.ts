import { problemOf, type Problem } from '../../../contract/problem.ts';

interface ErrorWords {
  readonly message: string;
  readonly param?: string | null;
  readonly code?: string | null;
  readonly type?: string;
}

/** An answer in the form that OpenAI's clients understand. */
export class OpenAiError extends Error {
  readonly status: number;
  readonly words: ErrorWords;
  constructor(status: number, words: ErrorWords) {
    super(words.message);
    this.status = status;
    this.words = words;
  }
}

export interface ErrorAnswer {
  readonly status: number;
  readonly retryAfterSeconds: number | null;
  readonly body: { readonly error: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string | null } };
}

const typeOf = (status: number): string => (status === 429 ? 'rate_limit_error' : status === 401 ? 'authentication_error' : status === 404 ? 'not_found_error' : status >= 500 ? 'server_error' : 'invalid_request_error');

/** Problems that have a place in OpenAI's list; all others are the server's. */
const statuses: Readonly<Record<string, { readonly status: number; readonly code?: string }>> = {
  'model.not_found': { status: 404, code: 'model_not_found' },
  'model.none': { status: 404, code: 'model_not_found' },
  'generate.context_full': { status: 400, code: 'context_length_exceeded' },
  'generate.schema': { status: 400, code: 'invalid_value' },
  'generate.too_many': { status: 429, code: 'rate_limit_exceeded' },
  'input.invalid': { status: 400, code: 'invalid_value' },
  'load.settings': { status: 400, code: 'invalid_value' },
  'load.no_memory': { status: 503 },
  'load.crashed_twice': { status: 503 },
  'engine.no_backend': { status: 503 },
};

function wordProblem(problem: Problem): string {
  return `${problem.title}. ${problem.cause} ${problem.remedy}`.trim();
}

/** Decides status and body for whatever was thrown. Nothing of the inside is told but what a Problem says. */
export function describeError(error: unknown): ErrorAnswer {
  if (error instanceof OpenAiError) return { status: error.status, retryAfterSeconds: null, body: { error: { message: error.words.message, type: error.words.type ?? typeOf(error.status), param: error.words.param ?? null, code: error.words.code ?? null } } };
  const problem = problemOf(error);
  if (problem === null) return { status: 500, retryAfterSeconds: null, body: { error: { message: 'The server failed.', type: 'server_error', param: null, code: null } } };
  const known = statuses[problem.code];
  const status = known?.status ?? 500;
  const seconds = problem.facts['seconds'];
  return { status, retryAfterSeconds: status === 429 ? Math.max(1, Math.ceil(typeof seconds === 'number' ? seconds : 1)) : null, body: { error: { message: wordProblem(problem), type: typeOf(status), param: null, code: known?.code ?? problem.code } } };
}

/** What the gate refused, in the same form. */
export function describeRefusal(status: number): ErrorAnswer['body'] {
  const message = status === 401 ? 'The token is missing or wrong: send it as "Authorization: Bearer TOKEN" (api_key).' : status === 413 ? 'The body is too long.' : status === 415 ? 'The body is JSON: send "Content-Type: application/json".' : `Refused (${String(status)}).`;
  return { error: { message, type: typeOf(status), param: null, code: status === 401 ? 'invalid_api_key' : null } };
}
