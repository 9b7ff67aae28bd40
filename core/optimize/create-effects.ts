import type { EffectCard, MeasureWish } from '../../contract/optimize.ts';
import { problemOf } from '../../contract/problem.ts';
import type { EffectServices, Subject } from '../engine/optimize-services.ts';
import type { JobContext, JobResult } from '../jobs/create-jobs.ts';
import { createEffectArchive } from './effects/effect-archive.ts';
import type { EffectsDeps, EffectSubject } from './effects/effects-deps.ts';
import { beginCard, endCard, growCard } from './effects/make-card.ts';
import { measureEffect } from './effects/measure-effect.ts';
import { prepareMeasurement } from './effects/prepare-measurement.ts';
import { readOverview } from './effects/read-overview.ts';
import { decideStale } from './effects/stale.ts';
import { listWorkloads } from './effects/workloads.ts';
import { profileWorkloads, type PlainProfile } from './profiles/built-in-profiles.ts';
import { createProfiles, uniqueToggles } from './profiles/create-profiles.ts';
import { listToggles, nameToggle, requireToggle } from './toggles/all-toggles.ts';

/** A page that watches is told of a growing card so often at most, ms. */
const TELL_EVERY_MS = 1000;

/** Switches, what they bring on this machine, and sets of them. */
export function createEffects(deps: EffectsDeps): EffectServices & { isMeasuring(): boolean; /** A set of toggles. @throws ProblemError `profile.not_found` */ findProfile(id: string): Promise<PlainProfile> } {
  const { onChange } = deps;
  const now = deps.now ?? Date.now;
  const monotonic = deps.monotonic ?? (() => performance.now());
  const archive = createEffectArchive(deps.storage, deps.log);
  let measuring = 0;

  const judgeAgainst = (subject: EffectSubject) => (card: EffectCard): EffectCard => ({
    ...card,
    stale: decideStale(card.identity, { gpu: subject.place.name, driver: subject.driver, torch: subject.environment?.torch ?? null, engine: subject.llama }, card.workload.engine),
  });
  /** Each environment and place is looked at once. */
  const judgeAll = async (cards: readonly EffectCard[]): Promise<EffectCard[]> => {
    const judges = new Map<string, Promise<(card: EffectCard) => EffectCard>>();
    const judgeOf = (subject: Subject): Promise<(card: EffectCard) => EffectCard> => deps.readSubject(subject).then(judgeAgainst, (error: unknown) => {
      const problem = problemOf(error);
      if (problem === null) throw error;
      return (card: EffectCard) => ({ ...card, stale: `${problem.title}.` });
    });
    return Promise.all(cards.map(async (card) => {
      const key = JSON.stringify([card.environmentId, card.place.key]);
      const judge = judges.get(key) ?? judgeOf({ environmentId: card.environmentId, place: card.place.key });
      judges.set(key, judge);
      return (await judge)(card);
    }));
  };
  const profiles = createProfiles({ storage: deps.storage, readEffects: async () => judgeAll(await archive.ofProfiles()), onChange, log: deps.log });

  /** A profile is measured as it is kept, on the workload that it is made for. */
  const resolveProfile = async (wish: MeasureWish): Promise<MeasureWish> => {
    if (wish.profileId === null) return { ...wish, toggles: uniqueToggles(wish.toggles) };
    const profile = await profiles.find(wish.profileId);
    return { ...wish, toggles: profile.toggles, workload: wish.workload ?? profileWorkloads[profile.id] ?? null };
  };

  async function measure(given: MeasureWish): ReturnType<EffectServices['measure']> {
    for (const one of given.toggles) requireToggle(one);
    const wish = await resolveProfile(given);
    const subject = await deps.readSubject({ environmentId: wish.environmentId, place: wish.place });
    const prepared = await prepareMeasurement(wish, subject, deps);
    const title = `Measure ${prepared.toggles.map(nameToggle).join(', ')}`;
    const letGo = deps.lock.take({ title, place: subject.place.name });
    let card = beginCard(wish, subject, prepared, now());
    let toldAtMs = -Infinity;
    let later: NodeJS.Timeout | null = null;
    const tell = (): void => {
      later = null;
      toldAtMs = performance.now();
      onChange();
    };
    /** The newest pair is told too, if the next one lets wait for itself. */
    const tellSoon = (): void => {
      const waitMs = toldAtMs + TELL_EVERY_MS - performance.now();
      if (waitMs <= 0) tell();
      else later ??= setTimeout(tell, waitMs);
    };

    const run = async (job: JobContext): Promise<JobResult> => {
      measuring++;
      try {
        archive.setLive(card);
        onChange();
        const plan = { a: prepared.a, b: prepared.b, higherIsBetter: prepared.workload.higherIsBetter, budgetSeconds: wish.budgetSeconds };
        const measured = await measureEffect({ startArm: deps.startArm, readings: deps.readings, now: monotonic }, plan, {
          signal: job.signal,
          log: (text) => job.log(text),
          onPair(state) {
            card = growCard(card, state);
            archive.setLive(card);
            job.progress({ fraction: state.fraction, doing: card.sentence });
            tellSoon();
          },
        });
        card = endCard(card, measured);
        const problem = await archive.save(card);
        if (problem !== null) job.log(`${problem.title}. ${problem.cause} ${problem.remedy}`);
        return { effectId: card.id, verdict: card.verdict, sentence: card.sentence, ratio: card.ratio, low: card.low, high: card.high, stored: problem === null };
      } finally {
        if (later !== null) clearTimeout(later);
        measuring--;
        letGo();
        archive.dropLive(card.id);
        onChange();
      }
    };
    try {
      return deps.jobs.start({ kind: 'measure', title }, run);
    } catch (error) {
      letGo();
      throw error;
    }
  }

  return {
    async overview(subject) {
      const found = await deps.readSubject(subject);
      return readOverview(found, archive, deps, judgeAgainst(found));
    },
    toggles: listToggles,
    workloads: listWorkloads,
    measure,
    effects: async (filter) => judgeAll(await archive.list(filter)),
    async effect(id) {
      const card = await archive.get(id);
      return (await judgeAll([card]))[0] ?? card;
    },
    profiles: () => profiles.profiles(),
    saveProfile: (input) => profiles.saveProfile(input),
    removeProfile: (id) => profiles.removeProfile(id),
    isMeasuring: () => measuring > 0,
    findProfile: (id) => profiles.find(id),
  };
}
