import type { Area } from '../open-database.ts';

/**
 * Effect cards: `card` is the card without its pairs as JSON, `pairs` a blob (pack-pairs.ts) that lists never read.
 * `subject` is environment and place; `what` the toggles with their values, in order, and the workload.
 */
export const effectsArea: Area = {
  name: 'effects',
  migrations: [
    {
      version: 1,
      sql: `
        CREATE TABLE effect_cards (
          n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at_ms REAL NOT NULL,
          subject TEXT NOT NULL, what TEXT NOT NULL, profile TEXT, card TEXT NOT NULL) STRICT;
        CREATE INDEX effect_cards_by_subject ON effect_cards (subject, what, n);
        CREATE INDEX effect_cards_by_profile ON effect_cards (profile, subject, what, n) WHERE profile IS NOT NULL;
        CREATE TABLE effect_pairs (card INTEGER PRIMARY KEY REFERENCES effect_cards (n) ON DELETE CASCADE, whys TEXT NOT NULL, pairs BLOB NOT NULL) STRICT;
        CREATE TABLE effect_toggles (
          toggle TEXT NOT NULL, card INTEGER NOT NULL REFERENCES effect_cards (n) ON DELETE CASCADE, PRIMARY KEY (toggle, card)) STRICT, WITHOUT ROWID;
        CREATE INDEX effect_toggles_by_card ON effect_toggles (card);
        CREATE TABLE effect_profiles (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, toggles TEXT NOT NULL) STRICT;`,
    },
  ],
};
