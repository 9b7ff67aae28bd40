import { engineSettings, type EngineSettings } from '../../../contract/inference.ts';

type Part = { readonly [K in keyof EngineSettings]?: EngineSettings[K] | undefined };

/** Defaults, over them the model's profile, over that what is wished for now. null counts: it takes a choice back. */
export function mergeSettings(profile: Part | undefined, wish: Part | undefined): EngineSettings {
  return engineSettings.parse({ ...given(profile), ...given(wish) });
}

/** Whether a model that was asked for with `asked`, and got `resolved`, is what this wish means. */
export function decideMatch(wish: Part | undefined, asked: EngineSettings, resolved: EngineSettings): boolean {
  return (Object.keys(given(wish)) as (keyof EngineSettings)[]).every((key) => same(wish?.[key], asked[key]) || (wish?.[key] !== null && wish?.[key] !== 'auto' && same(wish?.[key], resolved[key])));
}

function given(part: Part | undefined): Part {
  return Object.fromEntries(Object.entries(part ?? {}).filter(([, value]) => value !== undefined));
}

function same(a: unknown, b: unknown): boolean {
  return Array.isArray(a) && Array.isArray(b) ? a.length === b.length && a.every((item, index) => item === b[index]) : a === b;
}
