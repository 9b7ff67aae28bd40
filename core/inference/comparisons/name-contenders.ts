import type { Answerer } from '../../../contract/chat.ts';

export interface ContenderName {
  readonly model: string;
  readonly provider: string | null;
}

const labels: Readonly<Record<string, string>> = {
  backend: 'backend', devices: 'GPUs', gpuLayers: 'GPU layers', contextTokens: 'context', batch: 'batch', threads: 'threads', flashAttention: 'flash attention', cacheTypeK: 'K cache', cacheTypeV: 'V cache',
  parallel: 'parallel', draftModel: 'draft', draftTokens: 'draft tokens', temperature: 'temperature', topK: 'top-k', topP: 'top-p', minP: 'min-p', repeatPenalty: 'repeat penalty', seed: 'seed', maxTokens: 'at most', jsonSchema: 'JSON schema', grammar: 'grammar',
};
/** Paths and schemas are not spelled out in a name. */
const MAX_VALUE = 24;

/** What tells the contenders apart, short: the model, where it runs, and of equal ones the settings that differ. Pure. */
export function nameContenders(answerers: readonly Answerer[], found: readonly ContenderName[]): string[] {
  const bases = found.map(({ model, provider }) => (provider === null ? model : `${model} at ${provider}`));
  const settings = answerers.map(flatten);
  const named = bases.map((base, at) => {
    const alike = settings.filter((_, other) => bases[other] === base);
    if (alike.length < 2) return base;
    const keys = [...new Set(alike.flatMap((one) => Object.keys(one)))].filter((key) => new Set(alike.map((one) => one[key] ?? '')).size > 1);
    const differing = keys.flatMap((key) => (settings[at]?.[key] === undefined ? [] : [`${labels[key] ?? key} ${settings[at][key]}`]));
    return keys.length === 0 ? base : `${base} (${differing.length === 0 ? 'as usual' : differing.join(', ')})`;
  });
  return named.map((name, at) => (named.indexOf(name) === named.lastIndexOf(name) ? name : `${name} #${named.slice(0, at + 1).filter((one) => one === name).length}`));
}

function flatten({ settings, sampling, maxTokens, jsonSchema, grammar }: Answerer): Record<string, string> {
  const all: Record<string, unknown> = { ...settings, ...sampling, maxTokens, jsonSchema, grammar };
  return Object.fromEntries(Object.entries(all).flatMap(([key, value]): [string, string][] => {
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const last = key === 'draftModel' ? (text.split(/[\\/]/).at(-1) ?? text) : text;
    return [[key, last.length > MAX_VALUE ? `${last.slice(0, MAX_VALUE)}…` : last]];
  }));
}
