import { problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError } from '../../../contract/problem.ts';
import type { OfferedModel } from '../../../contract/models.ts';
import type { Logger } from '../../logging/logger.ts';
import { decideAddress, showUrl, type Resolve } from './decide-address.ts';
import { decideRefusal } from './decide-refusal.ts';
import { fetchHeader, type FetchedHeader } from './fetch-header.ts';
import { groupFiles, type HubFile } from './group-files.ts';
import { createHttp, readBody, type Answer, type Http } from './open-answer.ts';
import { parseNextLink, parseRepository, parseTree } from './parse-repository.ts';
import { isTrouble, problemOfTrouble } from './trouble.ts';

export const DEFAULT_HUB_URL = 'https://huggingface.co';

export interface RepositoryListing {
  readonly model: OfferedModel;
  /** Every file, with what is needed to fetch the parts of a split model. */
  readonly files: readonly HubFile[];
}
export interface Hub {
  /** GGUF files of a repository. @throws ProblemError `download.unknown`, `download.refused`, `download.no_answer`, `download.stalled` */
  lookUp(repository: string, revision: string | null, signal?: AbortSignal): Promise<OfferedModel>;
  /** The same with all files. */
  list(repository: string, revision: string | null, signal?: AbortSignal): Promise<RepositoryListing>;
  /** Address of a file. @throws ProblemError `download.unknown` */
  resolve(repository: string, revision: string | null, file: string): string;
  /** The header of a GGUF file, which may lie anywhere that may be asked. */
  fetchHeader(url: string, bytes: number, signal?: AbortSignal): Promise<FetchedHeader>;
  /** @throws ProblemError `download.foreign_address` for an address that is not asked at all */
  checkAddress(url: URL): void;
  /** For downloads: one question, redirects followed, token only to the hub. */
  open(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal, idleMs: number): Promise<Answer>;
  /** The Problem of an answer that is no file; frees the connection. */
  refusalOf(answer: Answer, url: string, subject: { readonly repository: string | null; readonly file: string | null }): Promise<ProblemError>;
  /** Gives its connections back. */
  close(): void;
}
export interface HubOptions {
  readonly baseUrl: () => string;
  readonly token: () => Promise<string | null>;
  readonly log: Logger;
  /** Tests shorten it. Without one byte for so long a question is given up, ms. */
  readonly idleMs?: number;
  readonly resolve?: Resolve;
  readonly env?: NodeJS.ProcessEnv;
}

const REPOSITORY = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/;
const REVISION = /^[A-Za-z0-9][\w./-]{0,199}$/;
const IDLE_MS = 15_000;
const MAX_ANSWER = 16 * 1024 * 1024;
const MAX_PAGES = 50;

const trimSlash = (url: string): string => url.replace(/\/+$/, '');

/** The hub's public API, as far as it is needed to find and fetch GGUF files. */
export function createHub(options: HubOptions): Hub {
  const { token, log, idleMs = IDLE_MS } = options;
  const baseUrl = (): string => trimSlash(options.baseUrl());
  const http: Http = createHttp({ baseUrl, ...(options.resolve === undefined ? {} : { resolve: options.resolve }), ...(options.env === undefined ? {} : { env: options.env }) });

  /** Refuses what is no name before it becomes part of an address. */
  const check = (repository: string, revision: string | null): void => {
    if (!REPOSITORY.test(repository) || repository.includes('..')) throw problemError('download.unknown', { what: repository.slice(0, 200), detail: 'This is not the name of a repository.' });
    if (revision !== null && (!REVISION.test(revision) || revision.includes('..'))) throw problemError('download.unknown', { what: revision.slice(0, 200), detail: 'This is not the name of a revision.' });
  };

  const refusalOf: Hub['refusalOf'] = async (answer, url, { repository, file }) => {
    const code = answer.headers['x-error-code'];
    answer.body.on('error', () => undefined).destroy();
    return new ProblemError(decideRefusal({
      url: showUrl(url), status: answer.status, errorCode: typeof code === 'string' ? code.slice(0, 100) : null, repository, file,
      pageUrl: repository === null ? null : `${baseUrl()}/${repository}`, tokenSet: (await token()) !== null,
    }));
  };

  const ask = async (url: string, repository: string, signal: AbortSignal): Promise<{ readonly text: string; readonly answer: Answer }> => {
    try {
      const answer = await http.open({ url, headers: { accept: 'application/json' }, token: await token(), signal, idleMs });
      if (answer.status === 429 || answer.status >= 500) {
        answer.body.on('error', () => undefined).destroy();
        throw answer.status === 429 ? problemError('download.refused', { url: showUrl(url), status: 429, detail: 'It has had too many requests from here.', remedy: 'Try again in some minutes. With a token of your account (Settings, Secrets) the hub allows more.' }) : problemError('download.no_answer', { host: answer.url.host, detail: `It answers ${answer.status}: it has trouble of its own.` });
      }
      if (answer.status !== 200) throw await refusalOf(answer, url, { repository, file: null });
      const { bytes, cut } = await readBody(answer, MAX_ANSWER, idleMs);
      if (cut) throw problemError('download.no_answer', { host: answer.url.host, detail: `Its answer is longer than ${MAX_ANSWER / 1_048_576} MiB.` });
      return { text: bytes.toString('utf8'), answer };
    } catch (error) {
      signal.throwIfAborted();
      throw isTrouble(error) ? problemOfTrouble(error, 1, idleMs, showUrl(url)) : error;
    }
  };
  const parsed = <T>(host: string, parse: () => T): T => {
    try {
      return parse();
    } catch (error) {
      log.warn('The hub answered with something else', { host, detail: String(error).slice(0, 300) });
      throw problemError('download.no_answer', { host, detail: 'It does not answer as a model hub does. Behind a sign-in page, sign in first.' }, { cause: error });
    }
  };

  const list: Hub['list'] = async (repository, revision, signal = new AbortController().signal) => {
    check(repository, revision);
    const base = baseUrl();
    const suffix = revision === null ? '' : `/revision/${encodeURIComponent(revision)}`;
    const { text, answer } = await ask(`${base}/api/models/${repository}${suffix}?blobs=true`, repository, signal);
    const facts = parsed(answer.url.host, () => parseRepository(text, { repository, revision, baseUrl: base }));
    if (!facts.needsTree) return { model: facts.model, files: facts.files };
    const files: HubFile[] = [];
    let url: string | null = `${base}/api/models/${repository}/tree/${encodeURIComponent(facts.model.revision ?? 'main')}?recursive=true`;
    for (let page = 0; url !== null && page < MAX_PAGES; page += 1) {
      const got: Awaited<ReturnType<typeof ask>> = await ask(url, repository, signal);
      files.push(...parsed(got.answer.url.host, () => parseTree(got.text)));
      const next = parseNextLink(typeof got.answer.headers.link === 'string' ? got.answer.headers.link : undefined);
      // The next page is the hub's, or there is none.
      url = next !== null && URL.canParse(next, url) && new URL(next, url).origin === new URL(base).origin ? new URL(next, url).href : null;
    }
    return { model: { ...facts.model, files: groupFiles(files) }, files };
  };

  return {
    list,
    refusalOf,
    lookUp: async (repository, revision, signal) => (await list(repository, revision, signal)).model,
    resolve(repository, revision, file) {
      check(repository, revision);
      const segments = file.split('/');
      if (file.length > 500 || /[\p{Cc}\\]/u.test(file) || segments.some((one) => one === '' || one === '.' || one === '..')) throw problemError('download.unknown', { what: file.slice(0, 200).replaceAll(/\p{Cc}/gu, '?'), detail: 'This is not the name of a file in a repository.' });
      return `${baseUrl()}/${repository}/resolve/${encodeURIComponent(revision ?? 'main')}/${segments.map(encodeURIComponent).join('/')}`;
    },
    async fetchHeader(url, bytes, signal = new AbortController().signal) {
      try {
        return await fetchHeader({ http, url, token: await token(), bytes, signal, idleMs, refuse: async (answer) => { throw answer.status === 429 || answer.status >= 500 ? problemError('download.no_answer', { host: answer.url.host, detail: `It answers ${answer.status}.` }) : await refusalOf(answer, url, { repository: null, file: null }); } });
      } catch (error) {
        signal.throwIfAborted();
        throw isTrouble(error) ? problemOfTrouble(error, 1, idleMs, showUrl(url)) : error;
      }
    },
    checkAddress(url) {
      const base = baseUrl();
      const verdict = decideAddress(url, { trustedOrigin: URL.canParse(base) ? new URL(base).origin : null });
      if (!verdict.allowed) throw problemError('download.foreign_address', { url: showUrl(url), detail: verdict.detail });
    },
    open: async (url, headers, signal, limitMs) => http.open({ url, headers, token: await token(), signal, idleMs: limitMs }),
    close: () => http.close(),
  };
}
