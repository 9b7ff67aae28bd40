import { keyOfWorkload, type ChosenToggle, type CommandWorkload, type EffectCard, type EffectVerdict, type OptimizeOverview, type Profile, type ToggleState, type Workload } from '../../../contract/optimize.ts';
import { isUnderWay, type Job } from '../../../contract/jobs.ts';
import { keyOfSet } from '../../stores/optimise-store.ts';
import { decideSwitchOff } from './effect-words.ts';

/** Of `Measure all`, for each switch, s: the longest it may take. */
export const QUEUE_BUDGET_SECONDS = 60;
/** A list of more is not looked through. */
const MOST_PROGRAMS = 12;

/** What the user looks at on a card; null: the first. */
export interface CardView {
  readonly value: string | null;
  /** As `keyOfWorkload` says it. */
  readonly workload: string | null;
}

export interface OwnProgram {
  readonly key: string;
  readonly title: string;
  /** Null: measured by a version that did not keep it. */
  readonly program: CommandWorkload | null;
}

/** Own programs that a switch was measured with, the newest first, each once. Pure. */
export function listOwnPrograms(effects: readonly EffectCard[]): readonly OwnProgram[] {
  const own = effects.filter((card) => card.workload.engine === 'command').toSorted((x, y) => y.atMs - x.atMs);
  const byKey = new Map<string, OwnProgram>();
  for (const card of own) {
    const key = keyOfWorkload(card);
    if (!byKey.has(key)) byKey.set(key, { key, title: card.workload.title, program: card.program });
  }
  return [...byKey.values()].slice(0, MOST_PROGRAMS);
}

/** The value that a card shows: the chosen one, else the one that is wanted, set, measured, or the first. Pure. */
export function decideValue(state: ToggleState, view: CardView | undefined, draft: readonly ChosenToggle[]): string {
  const { values } = state.toggle;
  const has = (id: string | null | undefined): id is string => values.some((v) => v.id === id);
  const wanted = draft.find((t) => t.toggleId === state.toggle.id)?.value;
  const measured = state.effects[0]?.toggles[0]?.value;
  return [view?.value, wanted, state.state === 'set' ? state.value : null, measured].find(has) ?? values[0]?.id ?? '';
}

/** The effects of one value, the workload that tells most first; what is being measured before all. Pure. */
export function listEffects(state: ToggleState, value: string): readonly EffectCard[] {
  const rank = (card: EffectCard): number => {
    const at = state.toggle.workloads.indexOf(card.workload.name);
    return card.verdict === null ? -1 : at < 0 ? state.toggle.workloads.length : at;
  };
  return state.effects.filter((card) => card.toggles[0]?.value === value).toSorted((x, y) => rank(x) - rank(y) || y.atMs - x.atMs);
}

/** The card to show. Pure. */
export function decideEffect(state: ToggleState, value: string, view: CardView | undefined): EffectCard | null {
  const all = listEffects(state, value);
  return (view?.workload == null ? undefined : all.find((card) => keyOfWorkload(card) === view.workload)) ?? all[0] ?? null;
}

/** Switches of a profile, or all; what does not exist here apart. Pure. */
export function decideShown(states: readonly ToggleState[], profile: Profile | null): { readonly here: readonly ToggleState[]; readonly absent: readonly ToggleState[] } {
  const of = profile === null ? states : states.filter((s) => profile.toggles.some((t) => t.toggleId === s.toggle.id));
  return { here: of.filter((s) => s.state !== 'unavailable' || s.effects.length > 0), absent: of.filter((s) => s.state === 'unavailable' && s.effects.length === 0) };
}

/**
 * What is suggested to be on: a profile's switches; for everything, what is set, and where nothing is, what was
 * measured here to help and leaves results as they are but for rounding. Pure.
 */
export function decideSuggested(states: readonly ToggleState[], profile: Profile | null): readonly ChosenToggle[] {
  const usable = states.filter((s) => decideSwitchOff(s) === null);
  if (profile !== null) return profile.toggles.filter((t) => usable.some((s) => s.toggle.id === t.toggleId && s.toggle.values.some((v) => v.id === t.value)));
  const set = usable.filter((s) => s.state === 'set' && s.value !== null).map((s) => ({ toggleId: s.toggle.id, value: s.value ?? '' }));
  if (set.length > 0) return set;
  return usable.flatMap((s) => {
    if (s.toggle.changesResults === 'yes') return [];
    const first = s.toggle.values.map((v) => decideEffect(s, v.id, undefined)).find((card) => card?.verdict === 'helps' && card.stale === null);
    return first?.toggles[0] === undefined ? [] : [first.toggles[0]];
  });
}

/** What is wanted on: as the user put it, else what is suggested; never what cannot be used here. Pure. */
export function decideDraft(states: readonly ToggleState[], profile: Profile | null, own: readonly ChosenToggle[] | undefined): readonly ChosenToggle[] {
  if (own === undefined) return decideSuggested(states, profile);
  return own.filter((t) => states.some((s) => s.toggle.id === t.toggleId && decideSwitchOff(s) === null));
}

/** The set with one switch on or off. Pure. */
export function withToggle(draft: readonly ChosenToggle[], toggleId: string, value: string | null): readonly ChosenToggle[] {
  const others = draft.filter((t) => t.toggleId !== toggleId);
  return value === null ? others : [...others, { toggleId, value }];
}

/** The newest measurement of exactly this set, here. Pure. */
export function findSetCard(overview: Pick<OptimizeOverview, 'environment' | 'place' | 'states'>, cards: readonly EffectCard[], draft: readonly ChosenToggle[]): EffectCard | null {
  if (draft.length === 0) return null;
  const key = keyOfSet(draft);
  const own = draft.length === 1 ? overview.states.flatMap((s) => s.effects) : [];
  return [...cards, ...own].filter((card) => keyOfSet(card.toggles) === key && card.place.key === overview.place.key && card.environmentId === (overview.environment?.id ?? null)).toSorted((x, y) => y.atMs - x.atMs)[0] ?? null;
}

/** Verdicts of the cards that are shown; `null`: not measured. Pure. */
export function countVerdicts(cards: readonly (EffectCard | null)[]): readonly { readonly verdict: EffectVerdict | 'measuring' | null; readonly count: number }[] {
  const order = ['helps', 'no_effect', 'hurts', 'cannot_resolve', 'could_not_run', 'measuring', null] as const;
  return order.map((verdict) => ({ verdict, count: cards.filter((card) => (card === null ? null : (card.verdict ?? 'measuring')) === verdict).length })).filter((one) => one.count > 0);
}

/** The job that measures a card or a set; only one measurement runs at a time. Pure. */
export function findMeasureJob(jobs: readonly Job[], card: EffectCard | null, startedId: string | undefined): Job | null {
  const running = jobs.filter((j) => j.kind === 'measure' && isUnderWay(j));
  const own = running.find((j) => j.id === startedId || (card !== null && card.verdict === null && (j.id === card.id || j.result?.['effectId'] === card.id)));
  if (own !== undefined) return own;
  return card !== null && card.verdict === null && running.length === 1 ? (running[0] ?? null) : null;
}

/** What `Measure all` takes: the value that each card shows, where it can be measured and has no answer that still holds. Pure. */
export function decideQueue(states: readonly ToggleState[], workloads: readonly Pick<Workload, 'name'>[], draft: readonly ChosenToggle[]): readonly ChosenToggle[] {
  return states.flatMap((s) => {
    const { id, means, notOffered } = s.toggle;
    const measurable = s.toggle.workloads.some((name) => workloads.some((w) => w.name === name));
    if (s.state === 'unavailable' || means === 'device' || notOffered !== null || !measurable) return [];
    const value = decideValue(s, undefined, draft);
    return listEffects(s, value).some((card) => card.verdict === null || card.stale === null) ? [] : [{ toggleId: id, value }];
  });
}
