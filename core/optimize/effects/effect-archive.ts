import type { EffectCard } from '../../../contract/optimize.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import type { StorageClient } from '../../storage/storage-client.ts';

/** Effect cards: stored ones, those under way, and those that could not be stored. */
export interface EffectArchive {
  /** Newest first, without pairs. */
  list(filter: { readonly toggleId: string | null; readonly limit: number }): Promise<EffectCard[]>;
  /** The newest of each set and workload, without pairs. */
  newest(environmentId: string | null, place: string): Promise<EffectCard[]>;
  ofProfiles(): Promise<EffectCard[]>;
  /** Whole. @throws ProblemError `effect.not_found` */
  get(id: string): Promise<EffectCard>;
  /** One that is being measured. */
  setLive(card: EffectCard): void;
  dropLive(id: string): void;
  /** Answers the Problem where it could not be stored; then it is kept in memory. */
  save(card: EffectCard): Promise<Problem | null>;
}

/** Cards that wait in memory for a disk with room. */
const MOST_WAITING = 200;

export function createEffectArchive(storage: Pick<StorageClient, 'call'>, log: Logger): EffectArchive {
  const live = new Map<string, EffectCard>();
  const unsaved = new Map<string, EffectCard>();

  /** What is in memory goes first; a storage that does not answer hides nothing of it. */
  const merge = async (stored: () => Promise<EffectCard[]>, fits: (card: EffectCard) => boolean): Promise<EffectCard[]> => {
    const here = [...unsaved.values(), ...live.values()].filter(fits).reverse().map((card) => ({ ...card, pairs: [] }));
    const known = new Set(here.map((card) => card.id));
    try {
      return [...here, ...(await stored()).filter((card) => !known.has(card.id))];
    } catch (error) {
      if (here.length === 0) throw error;
      log.warn('Stored effects cannot be read', { detail: String(error) });
      return here;
    }
  };
  const put = async (card: EffectCard): Promise<Problem | null> => {
    try {
      await storage.call('effects.put', card);
      unsaved.delete(card.id);
      return null;
    } catch (error) {
      const problem = problemOf(error) ?? problemError('bench.storage', { path: 'warpdeck.db', detail: String(error) }).problem;
      unsaved.set(card.id, card);
      for (const id of [...unsaved.keys()].slice(0, Math.max(0, unsaved.size - MOST_WAITING))) unsaved.delete(id);
      log.warn('An effect could not be stored and is kept in memory', { id: card.id, code: problem.code, cause: problem.cause });
      return problem;
    }
  };
  return {
    list: async ({ toggleId, limit }) => (await merge(() => storage.call('effects.list', { toggleId, limit }), (card) => toggleId === null || card.toggles.some((one) => one.toggleId === toggleId))).slice(0, limit),
    newest: (environmentId, place) => merge(() => storage.call('effects.newest', { environmentId, place }), (card) => card.environmentId === environmentId && card.place.key === place),
    ofProfiles: () => merge(() => storage.call('effects.ofProfiles', null), (card) => card.profileId !== null),
    async get(id) {
      const card = live.get(id) ?? unsaved.get(id) ?? (await storage.call('effects.get', { id }));
      if (card === null) throw problemError('effect.not_found', { id });
      return card;
    },
    setLive: (card) => void live.set(card.id, card),
    dropLive: (id) => void live.delete(id),
    async save(card) {
      const problem = await put(card);
      live.delete(card.id);
      // There is room again: what waited goes along.
      if (problem === null) for (const waiting of [...unsaved.values()]) if (await put(waiting) !== null) break;
      return problem;
    },
  };
}
