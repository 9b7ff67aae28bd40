import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import { VERSION } from '../../system/version.ts';
import { decideAddress, guardLookup, resolveBySystem, showUrl, type Resolve } from './decide-address.ts';
import { isAbsence, makeTrouble } from './trouble.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Ends with an error when nothing comes for the idle limit. Must be read to its end or destroyed. */
  readonly body: IncomingMessage;
  /** Where the redirects ended. */
  readonly url: URL;
  /** SHA-256 of the whole file where the hub itself named it in a redirect (`X-Linked-ETag`). */
  readonly linkedEtag: string | null;
}
export interface Question {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bearer token; sent to the server of `url` only, and only when that is the hub. */
  readonly token?: string | null;
  readonly signal: AbortSignal;
  /** Without one byte for so long (name, connection, head), ms. The body is watched by who reads it. */
  readonly idleMs: number;
}
export interface Http {
  /** Follows at most five redirects by hand. @throws ProblemError `download.foreign_address`, Trouble, the signal's reason */
  open(question: Question): Promise<Answer>;
  close(): void;
}
export interface HttpOptions {
  /** The hub as the settings have it. */
  readonly baseUrl: () => string;
  /** Default: the system's. */
  readonly resolve?: Resolve;
  readonly env?: NodeJS.ProcessEnv;
}

const MAX_REDIRECTS = 5;
const USER_AGENT = `warpdeck/${VERSION}`;
const PROXY_NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/** A client that keeps connections, goes through the user's proxy, and asks only where it may. */
export function createHttp({ baseUrl, resolve = resolveBySystem, env = process.env }: HttpOptions): Http {
  const proxyEnv = Object.fromEntries(PROXY_NAMES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const proxies = new Set(Object.values(proxyEnv).flatMap((text) => (text !== undefined && URL.canParse(text) ? [new URL(text).hostname] : [])));
  const options = { keepAlive: true, timeout: 60_000, proxyEnv };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  // A kept connection was checked under the rule of its time: what is allowed more has its own.
  const privateAgents = { http: new HttpAgent(options), https: new HttpsAgent(options) };

  const ask = (url: URL, privateAllowed: boolean, question: Question, withToken: boolean): Promise<IncomingMessage> => new Promise((settle, reject) => {
    const secure = url.protocol === 'https:';
    const set = privateAllowed ? privateAgents : agents;
    const headers = { 'user-agent': USER_AGENT, 'accept-encoding': 'identity', ...question.headers, ...(withToken && question.token ? { authorization: `Bearer ${question.token}` } : {}) };
    const request = (secure ? httpsRequest : httpRequest)(url, {
      agent: secure ? set.https : set.http, headers, signal: question.signal, maxHeaderSize: 64 * 1024,
      lookup: guardLookup(resolve, url, (host) => privateAllowed || proxies.has(host)),
    });
    const idle = setTimeout(() => request.destroy(makeTrouble('stalled', url.host, 'It does not answer.')), question.idleMs);
    request.once('response', (response) => {
      clearTimeout(idle);
      settle(response);
    });
    request.once('error', (error) => {
      clearTimeout(idle);
      reject(error);
    });
    request.end();
  });

  return {
    async open(question) {
      if (!URL.canParse(question.url)) throw problemError('download.foreign_address', { url: question.url.slice(0, 200), detail: 'It is not an address.' });
      const base = baseUrl();
      const rule = { trustedOrigin: URL.canParse(base) ? new URL(base).origin : null };
      const hops: URL[] = [];
      let url = new URL(question.url);
      let linkedEtag: string | null = null;
      for (;;) {
        question.signal.throwIfAborted();
        const verdict = decideAddress(url, rule, hops);
        if (!verdict.allowed) throw problemError('download.foreign_address', { url: showUrl(url), detail: hops.length === 0 ? verdict.detail : `A redirect of ${hops[0]?.host} leads there. ${verdict.detail}` });
        const toHub = url.origin === rule.trustedOrigin;
        const response = await ask(url, verdict.privateAllowed, question, toHub && url.origin === new URL(question.url).origin).catch((error: unknown) => {
          question.signal.throwIfAborted();
          throw problemOf(error) !== null ? error : asTrouble(error, url.host);
        });
        const linked = response.headers['x-linked-etag'];
        if (toHub && typeof linked === 'string') linkedEtag = linked.replace(/^W\/|"/g, '').slice(0, 200);
        const location = response.headers.location;
        const status = response.statusCode ?? 0;
        if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return { status, headers: response.headers, body: response, url, linkedEtag };
        // What an error does to a body that nobody wants is nobody's affair.
        response.on('error', () => undefined);
        response.resume();
        hops.push(url);
        if (hops.length > MAX_REDIRECTS) throw problemError('download.foreign_address', { url: showUrl(question.url), detail: `It redirects more than ${MAX_REDIRECTS} times.` });
        if (!URL.canParse(location, url.href)) throw problemError('download.foreign_address', { url: showUrl(url), detail: 'It redirects to something that is not an address.' });
        url = new URL(location, url);
      }
    },
    close() {
      for (const agent of [agents.http, agents.https, privateAgents.http, privateAgents.https]) agent.destroy();
    },
  };
}

function asTrouble(error: unknown, host: string): Error {
  if (error instanceof Error && 'trouble' in error) return error;
  const parts = error instanceof AggregateError ? error.errors.map(String) : [error instanceof Error ? error.message : String(error)];
  return makeTrouble('connection', host, parts.join('; ').slice(0, 300), { cause: error, absent: isAbsence(error) });
}

/** Reads a body to its end, at most so many bytes. `cut`: there was more. */
export async function readBody(answer: Answer, maxBytes: number, idleMs: number): Promise<{ readonly bytes: Buffer; readonly cut: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => answer.body.destroy(makeTrouble('stalled', answer.url.host, 'It stopped sending.')), idleMs);
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      timer.refresh();
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) break;
    }
  } catch (error) {
    throw asTrouble(error, answer.url.host);
  } finally {
    clearTimeout(timer);
    answer.body.destroy();
  }
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), cut: size > maxBytes };
}
