import type { ChosenToggle, DeviceSetting, EffectCard, OptimizeOverview, ToggleState } from '../../../contract/optimize.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import { allToggles } from '../toggles/all-toggles.ts';
import { refusals } from '../toggles/refusals.ts';
import type { ToggleDefinition, ToggleFacts } from '../toggles/toggle-definition.ts';
import type { EffectArchive } from './effect-archive.ts';
import { factsOf, type EffectsDeps, type EffectSubject } from './effects-deps.ts';

/** What the state of a toggle is decided by. */
export interface StateFacts {
  readonly facts: ToggleFacts;
  /** Null: not asked, or it could not be read. */
  readonly applied: readonly ChosenToggle[] | null;
  readonly device: readonly DeviceSetting[] | null;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Whether it is there, and who has set it. */
export function decideState(definition: ToggleDefinition, { facts, applied, device, variables }: StateFacts): Pick<ToggleState, 'state' | 'value' | 'why'> {
  const { toggle } = definition;
  const missing = definition.decideAvailable(facts);
  if (missing !== null) return { state: 'unavailable', value: null, why: missing };
  if (toggle.means === 'device') {
    const setting = device?.find((one) => one.id === toggle.id);
    if (setting === undefined || setting.value === null) return { state: 'unknown', value: null, why: setting?.whyNot ?? 'The driver does not report it.' };
    const value = `${setting.value}${setting.unit === '' ? '' : ` ${setting.unit}`}`;
    return { state: setting.defaultValue === null ? 'unknown' : setting.value === setting.defaultValue ? 'default' : 'set', value, why: setting.canChange ? null : setting.whyNot };
  }
  const own = applied?.find((one) => one.toggleId === toggle.id);
  if (own !== undefined) return { state: 'set', value: own.value, why: null };
  for (const { id } of toggle.values) {
    const needed = Object.entries(definition.variables(id, facts));
    const held = needed.find(([name]) => variables[name] !== undefined);
    if (held !== undefined) return { state: 'other', value: `${held[0]}=${variables[held[0]] ?? ''}`.slice(0, 200), why: `${held[0]} is set for all programs of this session.` };
  }
  if (toggle.means === 'engine') return { state: 'default', value: null, why: null };
  return applied === null ? { state: 'unknown', value: null, why: 'What is applied in this environment could not be read.' } : { state: 'default', value: null, why: null };
}

/** Every toggle with its state here and its newest effects. `judge` marks what is stale. */
export async function readOverview(subject: EffectSubject, archive: EffectArchive, deps: Pick<EffectsDeps, 'readApplied' | 'readDeviceSettings' | 'platform' | 'variables'>, judge: (card: EffectCard) => EffectCard): Promise<OptimizeOverview> {
  const problems: Problem[] = [...subject.problems];
  /** One part that fails leaves the others standing. */
  const attempt = async <T>(work: Promise<T>): Promise<T | null> => {
    try {
      return await work;
    } catch (error) {
      const problem = problemOf(error);
      if (problem === null) throw error;
      problems.push(problem);
      return null;
    }
  };
  const { environment, place } = subject;
  const [applied, device, own, general] = await Promise.all([
    environment === null ? Promise.resolve([]) : attempt(deps.readApplied(environment.id)),
    place.key === 'cpu' ? Promise.resolve([]) : attempt(deps.readDeviceSettings(place.key)),
    environment === null ? Promise.resolve([]) : attempt(archive.newest(environment.id, place.key)),
    attempt(archive.newest(null, place.key)),
  ]);
  const cards = [...(own ?? []), ...(general ?? [])].map(judge);
  const state: StateFacts = { facts: factsOf(subject, deps.platform), applied, device, variables: deps.variables };
  return {
    environment: environment === null ? null : { id: environment.id, name: environment.name, torch: environment.torch, python: environment.found.python.version, prefix: environment.found.prefix },
    place,
    states: allToggles.map((definition) => ({ toggle: definition.toggle, ...decideState(definition, state), effects: cards.filter((card) => card.profileId === null && card.toggles.length === 1 && card.toggles[0]?.toggleId === definition.toggle.id) })),
    refusals: [...refusals],
    problems,
  };
}
