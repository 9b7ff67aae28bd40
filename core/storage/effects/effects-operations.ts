import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { effectCard, keyOfWorkload, type EffectCard } from '../../../contract/optimize.ts';
import { runInTransaction } from '../run-in-transaction.ts';
import type { EffectsCalls, EffectsOp, StoredProfile } from './effects-calls.ts';
import { packPairs, unpackPairs } from './pack-pairs.ts';

export type EffectsOperations = { readonly [Op in EffectsOp]: (input: EffectsCalls[Op]['input']) => EffectsCalls[Op]['output'] };

/** Older cards go; at 40 pairs each that is a file of about 20 MB. */
const MOST_CARDS = 5000;

const subjectKey = (environmentId: string | null, place: string): string => `${environmentId ?? ''}\n${place}`;
/** Torch cards hang on an environment, the others on a place alone. */
const subjectOf = (card: EffectCard): string => subjectKey(card.environmentId, card.place.key);
/** As long as a command may be, its index is not. */
const shortKeyOf = (card: EffectCard): string => (card.program === null ? keyOfWorkload(card) : createHash('sha256').update(keyOfWorkload(card)).digest('hex'));
const whatOf = (card: EffectCard): string => JSON.stringify([shortKeyOf(card), card.profileId, ...card.toggles.map((one) => `${one.toggleId}=${one.value}`).sort()]);

export function openEffectsOperations(db: DatabaseSync): EffectsOperations {
  const inTransaction = <T>(work: () => T): T => runInTransaction(db, work);
  const listAll = db.prepare('SELECT card FROM effect_cards ORDER BY n DESC LIMIT ?');
  const listOf = db.prepare('SELECT card FROM effect_cards WHERE n IN (SELECT card FROM effect_toggles WHERE toggle = ? ORDER BY card DESC LIMIT ?) ORDER BY n DESC');
  const newest = db.prepare('SELECT card FROM effect_cards WHERE n IN (SELECT max(n) FROM effect_cards WHERE subject = ? GROUP BY what) ORDER BY n DESC LIMIT 2000');
  const ofProfiles = db.prepare('SELECT card FROM effect_cards WHERE n IN (SELECT max(n) FROM effect_cards WHERE profile IS NOT NULL GROUP BY profile, subject, what) ORDER BY n DESC LIMIT 2000');
  const whole = db.prepare('SELECT effect_cards.card AS card, whys, pairs FROM effect_cards JOIN effect_pairs ON effect_pairs.card = effect_cards.n WHERE id = ?');
  /** What cannot be read (of a newer or damaged Warpdeck) is left out. */
  const read = (rows: readonly Record<string, unknown>[]): EffectCard[] => rows.flatMap((row) => parseCard(row['card']) ?? []);

  return {
    'effects.list': ({ toggleId, limit }) => read(toggleId === null ? listAll.all(limit) : listOf.all(toggleId, limit)),
    'effects.newest': ({ environmentId, place }) => read(newest.all(subjectKey(environmentId, place))),
    'effects.ofProfiles': () => read(ofProfiles.all()),
    'effects.get': ({ id }) => {
      const row = whole.get(id);
      const card = row === undefined ? null : parseCard(row['card']);
      if (row === undefined || card === null) return null;
      return { ...card, pairs: row['pairs'] instanceof Uint8Array ? unpackPairs({ whys: parseWhys(row['whys']), bytes: row['pairs'] }) : [] };
    },
    'effects.put': (card) => inTransaction(() => {
      db.prepare('DELETE FROM effect_cards WHERE id = ?').run(card.id);
      const { lastInsertRowid: n } = db.prepare('INSERT INTO effect_cards (id, at_ms, subject, what, profile, card) VALUES (?, ?, ?, ?, ?, ?)')
        .run(card.id, card.atMs, subjectOf(card), whatOf(card), card.profileId, JSON.stringify({ ...card, pairs: [], stale: null }));
      const { whys, bytes } = packPairs(card.pairs);
      db.prepare('INSERT INTO effect_pairs (card, whys, pairs) VALUES (?, ?, ?)').run(n, JSON.stringify(whys), bytes);
      for (const toggle of new Set(card.toggles.map((one) => one.toggleId))) db.prepare('INSERT INTO effect_toggles (toggle, card) VALUES (?, ?)').run(toggle, n);
      db.prepare('DELETE FROM effect_cards WHERE n IN (SELECT n FROM effect_cards ORDER BY n DESC LIMIT -1 OFFSET ?)').run(MOST_CARDS);
      return null;
    }),
    'effects.profiles': () => db.prepare('SELECT id, title, toggles FROM effect_profiles ORDER BY n LIMIT 1000').all().flatMap((row) => parseProfile(row) ?? []),
    'effects.putProfile': ({ id, title, toggles }) => {
      db.prepare('INSERT INTO effect_profiles (id, title, toggles) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET title = excluded.title, toggles = excluded.toggles').run(id, title, JSON.stringify(toggles));
      return null;
    },
    'effects.removeProfile': ({ id }) => Number(db.prepare('DELETE FROM effect_profiles WHERE id = ?').run(id).changes) > 0,
  };
}

function parseJson(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
function parseCard(text: unknown): EffectCard | null {
  const parsed = effectCard.safeParse(parseJson(text));
  return parsed.success ? parsed.data : null;
}
function parseWhys(text: unknown): string[] {
  const parsed = parseJson(text);
  return Array.isArray(parsed) ? parsed.map(String) : [];
}
function parseProfile(row: Record<string, unknown>): StoredProfile | null {
  const toggles = effectCard.shape.toggles.safeParse(parseJson(row['toggles']));
  return toggles.success ? { id: String(row['id']), title: String(row['title']), toggles: toggles.data } : null;
}
