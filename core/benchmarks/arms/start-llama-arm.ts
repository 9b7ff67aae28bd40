import { engineSettings, type EngineSettings, type LoadWish } from '../../../contract/inference.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Arm, ArmWish, StartArm } from '../parts.ts';
import { readWhole, splitWorkload, type Parsed } from './parse-workload.ts';

export interface LlamaMeasureInput {
  readonly promptTokens: number;
  readonly decodeTokens: number;
  readonly depth: number;
  readonly repeats: number;
}
type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** What the arm needs of core/inference: it is handed in. */
export interface LlamaModels {
  /** Loads with these settings at this place, or takes what is loaded so. @throws ProblemError of loading */
  load(wish: LoadWish, signal: AbortSignal): Promise<{ readonly id: string; readonly facts: Facts }>;
  /** One warm-up round that is not counted, then `repeats`; tokens a second of each. @throws ProblemError `load.not_loaded`, `generate.context_full` */
  measure(loadedId: string, input: LlamaMeasureInput, signal: AbortSignal): Promise<{ readonly prompt: readonly number[]; readonly decode: readonly number[] }>;
  unload(loadedId: string): Promise<void>;
  /** Ids of what is loaded now. */
  loaded(): readonly string[];
  /** Bytes that it takes at its place; null: not known. */
  memoryBytes(loadedId: string): number | null;
}

/** Names and bounds of the parameters. `tokens` is what one sample reads or writes, `depth` what is in the context before. */
const rules = {
  llm_decode: { depth: { min: 0, max: 1_000_000, default: 0 }, tokens: { min: 1, max: 65_536, default: 64 } },
  llm_prompt: { tokens: { min: 1, max: 65_536, default: 512 }, depth: { min: 0, max: 1_000_000, default: 0 } },
} as const;
/** A repeat of the reading that warms up, at most. */
const MOST_WARM_UPS = 50;
const STEADY = 0.01;
const LAST = 10;

/** `llm_decode:depth=2048,tokens=64` or `llm_prompt:tokens=512` → what is asked of the engine. Pure. */
export function parseLlamaWorkload(text: string): Parsed<LlamaMeasureInput> {
  const split = splitWorkload(text);
  if (!split.ok) return split;
  const { name, given } = split.value;
  if (name !== 'llm_decode' && name !== 'llm_prompt') return { ok: false, detail: 'there is no such workload.' };
  const unknown = [...given.keys()].find((key) => key !== 'tokens' && key !== 'depth');
  if (unknown !== undefined) return { ok: false, detail: `${name} has no parameter ${unknown}; it takes depth, tokens.` };
  const depth = readWhole('depth', rules[name].depth, given.get('depth'));
  if (!depth.ok) return depth;
  const tokens = readWhole('tokens', rules[name].tokens, given.get('tokens'));
  if (!tokens.ok) return tokens;
  const decode = name === 'llm_decode';
  return { ok: true, value: { promptTokens: decode ? 0 : tokens.value, decodeTokens: decode ? tokens.value : 0, depth: depth.value, repeats: 1 } };
}

/** What is measured needs this much context; the settings' own when that is larger. */
function withContext(settings: Partial<EngineSettings>, input: LlamaMeasureInput): Partial<EngineSettings> {
  const need = input.depth + Math.max(input.promptTokens, input.decodeTokens + 1);
  const own = settings.contextTokens;
  // One that was asked for stays: it is a setting under test. Without one the engine's choice may be too small.
  return own === undefined || own === null ? { ...settings, contextTokens: Math.max(4096, Math.ceil((need + 64) / 256) * 256) } : settings;
}

/**
 * A model of this machine that is loaded for as long as the arm lives, and measured as llama-bench does it.
 * @throws ProblemError `bench.case_fails`, `toggle.workload`, whatever loading says; on abort the signal's reason
 */
export async function startLlamaArm(wish: ArmWish, signal: AbortSignal, log: (text: string) => void, models: LlamaModels): Promise<Arm> {
  const what = typeof wish.workload === 'string' ? wish.workload : '';
  const parsed = parseLlamaWorkload(what);
  if (!parsed.ok) throw problemError('bench.case_fails', { what, detail: parsed.detail, remedy: '"warpdeck bench ls" lists what can be measured.' });
  const { model } = wish;
  if (model === null) throw problemError('bench.case_fails', { what, detail: 'no model was chosen.', remedy: 'Choose a model; "warpdeck models ls" lists them.' });
  const input = parsed.value;
  const tokens = input.decodeTokens + input.promptTokens;
  // Every key is said: one that is left out matches whatever is loaded, the other arm's model too.
  const settings = engineSettings.parse({ ...withContext(model.settings, input), ...(wish.place === 'cpu' ? { backend: 'cpu', devices: [], gpuLayers: null } : { devices: model.settings.devices?.includes(wish.place) === true ? model.settings.devices : [wish.place] }) });
  const load = async (): Promise<{ readonly id: string; readonly facts: Facts; readonly ours: boolean }> => {
    const before = new Set(models.loaded());
    // The other arm's model must stay: room is not made by ending it.
    const at = await models.load({ model: model.id, settings, makeRoom: false }, signal);
    log(`Loaded as ${at.id}\n`);
    return { ...at, ours: !before.has(at.id) };
  };
  let at = await load();
  let ended = false;

  const measure = async (): Promise<{ readonly value: number; readonly startedAtMs: number; readonly endedAtMs: number }> => {
    signal.throwIfAborted();
    if (ended) throw problemError('bench.case_fails', { what, detail: 'it has been ended.', remedy: 'Start it again.' });
    const speeds = await models.measure(at.id, input, signal).catch(async (error: unknown) => {
      signal.throwIfAborted();
      if (problemOf(error)?.code !== 'load.not_loaded') throw error;
      // It was unloaded because nobody had used it for a while.
      at = await load();
      return models.measure(at.id, input, signal);
    });
    const endedAtMs = Date.now();
    const value = (input.decodeTokens > 0 ? speeds.decode : speeds.prompt)[0];
    if (value === undefined || !Number.isFinite(value) || value <= 0) throw problemError('bench.case_fails', { what, detail: 'the engine answered no figure.', remedy: 'Try again.' });
    // The warm-up round and the way to the depth lie before what was timed.
    return { value, startedAtMs: endedAtMs - (tokens / value) * 1000, endedAtMs };
  };

  return {
    facts: { ...at.facts, unit: 'tok/s', workUnit: 'token', workPerRepetition: 1, depth: input.depth, tokens, unknown: null },
    async warmUp(seconds) {
      const until = performance.now() + seconds * 1000;
      const last: number[] = [];
      for (let count = 0; count < MOST_WARM_UPS && performance.now() < until; count += 1) {
        last.push((await measure()).value);
        if (last.length > LAST) last.shift();
        if (last.length === LAST && Math.max(...last) - Math.min(...last) <= STEADY * Math.max(...last)) return;
      }
    },
    async sample() {
      const { value, startedAtMs, endedAtMs } = await measure();
      return { value, startedAtMs, endedAtMs, memoryBytes: models.memoryBytes(at.id), repetitions: tokens };
    },
    error: () => Promise.resolve(null),
    async end() {
      if (ended) return;
      ended = true;
      // What was there before stays for those who loaded it.
      if (at.ours) await models.unload(at.id).catch(() => undefined);
    },
  };
}

/** `startLlamaArm` with its surroundings. */
export const createLlamaArms = (models: LlamaModels): StartArm => (wish, signal, log) => startLlamaArm(wish, signal, log, models);
