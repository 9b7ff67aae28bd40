import { randomBytes } from 'node:crypto';
import type { GenerateRequest, GpuTruth, Provider } from '../../../contract/inference.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf } from '../../../contract/problem.ts';
import type { Settings } from '../../../contract/settings.ts';
import { createGauge } from '../../engine/gauge.ts';
import type { Given, ProviderServices } from '../../engine/inference-services.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Answer } from '../parts.ts';
import { networkProblem, type ServerAccess } from './open-request.ts';
import { isReadableOnTheWay, listBaseUrls } from './parse-base-url.ts';
import { readModels, type ServerFacts } from './read-models.ts';
import { streamAnswer, usualLimits, type AnswerLimits } from './stream-answer.ts';

type Entry = Settings['inference']['providers'][number];

/** Taken where a request says null. */
export type RequestDefaults = Given<Pick<GenerateRequest, 'maxTokens' | 'jsonSchema' | 'grammar'>>;

export interface Providers extends ProviderServices {
  /**
   * Answers of a server; `model` null: the first that it offers. What fails before the first piece is thrown by the
   * iteration (`provider.no_answer`, `provider.refused`, `generate.schema`), what fails later is in the `end`.
   * @throws ProblemError `provider.not_found`
   */
  answer(providerId: string, model: string | null, defaults?: RequestDefaults): Answer;
  /** The same with the names to show, as chat and comparisons want it. The server is asked for its models where none is named. */
  open(providerId: string, model: string | null, defaults?: RequestDefaults): Promise<{ modelName: string; provider: string; answer: Answer; truth: () => GpuTruth; memoryBytes: () => null }>;
  /** Settings were changed elsewhere: servers came, went or have another address. */
  settingsChanged(): void;
  /** The secret of this name was set or removed elsewhere. */
  secretChanged(name: string): void;
  /** Takes over what stands in settings and secrets now: which servers there are, and who has a key. Never rejects. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

export interface ProvidersOptions {
  readonly settings: () => Settings['inference'];
  readonly updateProviders: (providers: Entry[]) => Promise<unknown>;
  readonly secrets: { get(name: string): Promise<string | null>; set(name: string, value: string | null): Promise<unknown> };
  readonly log: Logger;
  readonly now?: () => number;
  readonly fetch?: typeof fetch;
  readonly limits?: Partial<AnswerLimits>;
}

interface Outlook {
  readonly facts: ServerFacts | null;
  readonly problem: Provider['problem'];
}

interface Ready {
  readonly server: ServerAccess;
  readonly model: string;
  readonly facts: ServerFacts | null;
}

interface Held {
  readonly address: string;
  state: Provider['state'];
  hasKey: boolean;
  facts: ServerFacts | null;
  checkedAtMs: number | null;
  problem: Provider['problem'];
  checking: Promise<void> | null;
}

const MAX_PROVIDERS = 64;
const SECRET_PREFIX = 'provider:';
const secretName = (id: string): string => `${SECRET_PREFIX}${id}`;

/** Servers with OpenAI's API, used like models of this machine. Their keys are secrets and leave this file in one header only. */
export function createProviders(options: ProvidersOptions): Providers {
  const { settings, updateProviders, secrets, log, now = Date.now, fetch: ask = globalThis.fetch } = options;
  const limits = { ...usualLimits, ...options.limits };
  const gauge = createGauge<Provider[]>();
  const held = new Map<string, Held>();
  const stopping = new AbortController();
  let changing: Promise<unknown> = Promise.resolve();
  let entriesBefore = settings().providers;
  /** Being added here, with a look of its own. */
  const ours = new Set<string>();

  const entryOf = (id: string): Entry => {
    const entry = settings().providers.find((one) => one.id === id);
    if (entry === undefined) throw problemError('provider.not_found', { what: id });
    return entry;
  };
  /** What is known of it; anew where its address was changed. */
  const heldOf = ({ id, baseUrl }: Entry): Held => {
    const known = held.get(id);
    if (known?.address === baseUrl) return known;
    const fresh: Held = { address: baseUrl, state: 'unknown', hasKey: known?.hasKey ?? false, facts: null, checkedAtMs: null, problem: null, checking: null };
    held.set(id, fresh);
    return fresh;
  };
  const describe = (entry: Entry): Provider => {
    const { state, hasKey, facts, checkedAtMs, problem } = heldOf(entry);
    return { id: entry.id, name: entry.name, baseUrl: entry.baseUrl, hasKey, state, models: [...(facts?.models ?? [])], checkedAtMs, software: facts?.software ?? null, problem };
  };
  const describeAll = (): Provider[] => settings().providers.map(describe);
  const tell = (): void => gauge.publish(describeAll());

  const access = async (entry: Entry): Promise<Omit<ServerAccess, 'baseUrl'>> => {
    const key = await secrets.get(secretName(entry.id));
    heldOf(entry).hasKey = key !== null;
    return { name: entry.name, key, fetch: ask };
  };
  const look = async (server: Omit<ServerAccess, 'baseUrl'>, baseUrl: string): Promise<Outlook> => {
    try {
      return { facts: await readModels(server, listBaseUrls(baseUrl), stopping.signal), problem: null };
    } catch (error) {
      return { facts: null, problem: networkProblem(server, listBaseUrls(baseUrl)[0] ?? baseUrl, error).problem };
    }
  };
  const settle = (entry: Entry, key: string | null, { facts, problem }: Outlook): void => {
    const it = heldOf(entry);
    it.facts = facts ?? it.facts;
    it.state = facts === null ? 'fails' : 'answers';
    it.hasKey = key !== null;
    it.problem = facts !== null && key !== null && isReadableOnTheWay(facts.baseUrl) ? makeProblem('provider.key_in_clear', { name: entry.name, url: new URL(facts.baseUrl).origin }) : problem;
    it.checkedAtMs = now();
    if (problem !== null) log.info('A provider does not answer', { id: entry.id, code: problem.code });
  };
  /** One look at a time for each server. */
  const check = (entry: Entry): Promise<void> => {
    const it = heldOf(entry);
    it.checking ??= access(entry).then(async (server) => {
      const outlook = await look(server, entry.baseUrl);
      if (!stopping.signal.aborted) settle(entry, server.key, outlook);
    }).finally(() => {
      it.checking = null;
      if (!stopping.signal.aborted) tell();
    });
    return it.checking;
  };
  const checkSoon = (entry: Entry): void => {
    if (!stopping.signal.aborted) check(entry).catch((error: unknown) => log.warn('A provider could not be looked at', { id: entry.id, detail: String(error) }));
  };

  const change = <T>(work: () => Promise<T>): Promise<T> => {
    const done = changing.then(work);
    changing = done.catch(() => undefined);
    return done;
  };

  /** What stands in settings and secrets counts from now on; `look`: servers of which something is another. */
  const takeOver = (look: readonly string[]): Promise<void> => change(async () => {
    if (stopping.signal.aborted) return;
    const entries = settings().providers;
    for (const id of held.keys()) if (!entries.some((one) => one.id === id)) held.delete(id);
    for (const entry of entries) heldOf(entry).hasKey = (await secrets.get(secretName(entry.id))) !== null;
    tell();
    for (const entry of entries.filter((one) => look.includes(one.id))) {
      // A look that is under way has the old key.
      void Promise.resolve(heldOf(entry).checking).catch(() => undefined).then(() => checkSoon(entry));
    }
  }).catch((error: unknown) => { log.warn('What was set for the providers elsewhere could not be taken over', { detail: String(error) }); });

  const ready = async (entry: Entry, model: string | null): Promise<Ready> => {
    if (heldOf(entry).facts === null) await check(entry);
    const server = await access(entry);
    const { facts, problem } = heldOf(entry);
    const chosen = model ?? facts?.models[0];
    // Some servers do not tell their models and answer all the same; one that is not there does neither.
    if (problem !== null && facts === null && (chosen === undefined || problem.code === 'provider.no_answer')) throw new ProblemError(problem);
    if (chosen === undefined) throw problemError('provider.refused', { name: entry.name, status: 200, detail: 'It offers no model.', remedy: 'Load a model there, or name one.' });
    return { server: { ...server, baseUrl: facts?.baseUrl ?? listBaseUrls(entry.baseUrl)[0] ?? entry.baseUrl }, model: chosen, facts };
  };
  /** null: it was called off meanwhile. */
  const readyOr = async (entry: Entry, model: string | null, signal: AbortSignal): Promise<Ready | null> => {
    let stop = (): void => undefined;
    const calledOff = new Promise<null>((resolve) => {
      stop = () => resolve(null);
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
    });
    const found = ready(entry, model);
    found.catch(() => undefined);
    return Promise.race([found, calledOff]).finally(() => signal.removeEventListener('abort', stop));
  };

  const answer: Providers['answer'] = (providerId, model, defaults = {}) => {
    entryOf(providerId);
    return async function* (request, signal) {
      const entry = entryOf(providerId);
      const both = signal === undefined ? stopping.signal : AbortSignal.any([signal, stopping.signal]);
      const found = await readyOr(entry, model, both);
      const filled: GenerateRequest = {
        ...request,
        maxTokens: request.maxTokens ?? defaults.maxTokens ?? null,
        jsonSchema: request.jsonSchema ?? defaults.jsonSchema ?? null,
        grammar: found === null ? null : (request.grammar ?? defaults.grammar ?? null),
      };
      const server = found?.server ?? { name: entry.name, baseUrl: entry.baseUrl, key: null, fetch: ask };
      const used = found?.model ?? '';
      try {
        yield* streamAnswer({ server, model: used, software: found?.facts?.software ?? null, contextTokens: found?.facts?.contexts.get(used) ?? null, request: filled, signal: both, now, limits });
        if (heldOf(entry).state === 'fails') checkSoon(entry);
      } catch (error) {
        if (problemOf(error)?.code === 'provider.no_answer') checkSoon(entry);
        throw error;
      }
    };
  };

  tell();

  return {
    gauge,
    list() {
      // The first question is one to the servers, too.
      for (const entry of settings().providers) if (heldOf(entry).state === 'unknown') checkSoon(entry);
      return describeAll();
    },
    add: ({ name, baseUrl, key }) => change(async () => {
      const candidates = listBaseUrls(baseUrl);
      const given = key === null || key.trim() === '' ? null : key.trim();
      // A header holds visible ASCII; anything else was pasted by mistake.
      if (given !== null && !/^[\x21-\x7e]+$/.test(given)) throw problemError('input.invalid', { detail: 'The key has characters that no key has.' });
      const before = settings().providers;
      if (before.length >= MAX_PROVIDERS) throw problemError('input.invalid', { detail: `There may be ${MAX_PROVIDERS} servers.` });
      const id = makeId(name, before);
      const outlook = await look({ name, key: given, fetch: ask }, baseUrl);
      // Where it answers, the address that did is kept; else the one that a later look tries all ways from.
      const entry: Entry = { id, name, baseUrl: outlook.facts?.baseUrl ?? candidates.at(-1) ?? baseUrl };
      ours.add(id);
      try {
        if (given !== null) await secrets.set(secretName(id), given);
        await updateProviders([...before, entry]);
      } catch (error) {
        if (given !== null) await secrets.set(secretName(id), null).catch(() => undefined);
        throw error;
      } finally {
        ours.delete(id);
      }
      settle(entry, given, outlook);
      tell();
      log.info('A provider was added', { id, host: new URL(entry.baseUrl).host });
      return describe(entry);
    }),
    remove: (id) => change(async () => {
      entryOf(id);
      await updateProviders(settings().providers.filter((one) => one.id !== id));
      await secrets.set(secretName(id), null);
      held.delete(id);
      tell();
    }),
    async check(id) {
      const entry = entryOf(id);
      await check(entry);
      return describe(entry);
    },
    answer,
    async open(providerId, model, defaults) {
      const entry = entryOf(providerId);
      const modelName = model ?? (await ready(entry, null)).model;
      return { modelName, provider: entry.name, answer: answer(providerId, modelName, defaults), truth: () => makeRemoteTruth(entry, now()), memoryBytes: () => null };
    },
    settingsChanged() {
      const before = entriesBefore;
      entriesBefore = settings().providers;
      const look = entriesBefore.filter((entry) => !ours.has(entry.id) && !before.some((one) => one.id === entry.id && one.baseUrl === entry.baseUrl));
      // Any setting may have changed: most are no news here.
      if (look.length > 0 || JSON.stringify(before) !== JSON.stringify(entriesBefore)) void takeOver(look.map((entry) => entry.id));
    },
    secretChanged(name) {
      const id = name.startsWith(SECRET_PREFIX) ? name.slice(SECRET_PREFIX.length) : null;
      if (id !== null && !ours.has(id)) void takeOver([id]);
    },
    refresh: () => takeOver([]),
    async stop() {
      stopping.abort(new Error('The engine ends.'));
      await Promise.allSettled([changing, ...[...held.values()].map((one) => one.checking)]);
    },
  };
}

/** `my-server`, with something after it where that is taken. */
function makeId(name: string, before: readonly Entry[]): string {
  const slug = name.toLowerCase().normalize('NFKD').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 48) || 'server';
  return before.some((one) => one.id === slug) ? `${slug}-${randomBytes(3).toString('hex')}` : slug;
}

/** Nothing can be said of the hardware of another program's server. Pure. */
export function makeRemoteTruth({ name, baseUrl }: Pick<Entry, 'name' | 'baseUrl'>, atMs: number): GpuTruth {
  const sentence = `${name} at ${new URL(baseUrl).host} answers; what it runs on cannot be seen from here.`;
  return { verdict: 'remote', colour: 'grey', title: 'Another server', sentence, backend: null, layersOnGpu: 0, layers: 0, placed: [], checks: [], problem: null, atMs };
}
