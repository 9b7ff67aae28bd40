import { problemError } from '../../../contract/problem-catalogue.ts';
import { createAreaStore, type AreaStore, type AreaStoreOptions } from '../create-area-store.ts';
import { openEffectsOperations, type EffectsOperations } from './effects-operations.ts';
import { effectsArea } from './effects-schema.ts';

export type EffectsStore = AreaStore<EffectsOperations>;

/** A card whose pairs are lost still says what was found; which toggles it is about stands in the card. */
const REPAIR = `INSERT OR IGNORE INTO effect_pairs (card, whys, pairs) SELECT n, '[]', x'' FROM effect_cards;
  INSERT OR IGNORE INTO effect_toggles (toggle, card) SELECT json_extract(one.value, '$.toggleId'), n
    FROM effect_cards, json_each(iif(json_valid(card), card, '{}'), '$.toggles') AS one WHERE json_extract(one.value, '$.toggleId') IS NOT NULL;`;

/** Effect cards and profiles in the storage thread. Problem: `bench.storage`. */
export const createEffectsStore = (options: AreaStoreOptions): EffectsStore => createAreaStore({
  area: effectsArea,
  what: 'the effects',
  salvage: { tables: ['effect_cards', 'effect_pairs', 'effect_profiles'], counted: 'effect_cards', repair: REPAIR },
  open: openEffectsOperations,
  problem: (facts, cause) => problemError('bench.storage', facts, { cause }),
}, options);
