import { randomUUID } from 'node:crypto';
import type { ChosenToggle, EffectCard } from '../../../contract/optimize.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { EffectServices } from '../../engine/optimize-services.ts';
import type { Logger } from '../../logging/logger.ts';
import type { StorageClient } from '../../storage/storage-client.ts';
import { requireToggle } from '../toggles/all-toggles.ts';
import { builtInProfiles, type PlainProfile } from './built-in-profiles.ts';

export type Profiles = Pick<EffectServices, 'profiles' | 'saveProfile' | 'removeProfile'> & {
  /** @throws ProblemError `profile.not_found` */
  find(id: string): Promise<PlainProfile>;
};

export interface ProfilesOptions {
  readonly storage: Pick<StorageClient, 'call'>;
  /** Cards of sets, newest first. */
  readEffects(): Promise<readonly EffectCard[]>;
  onChange(): void;
  readonly log: Logger;
}

const OWN = 'A set of your own.';

export function createProfiles({ storage, readEffects, onChange, log }: ProfilesOptions): Profiles {
  const readOwn = async (): Promise<PlainProfile[]> => (await storage.call('effects.profiles', null)).map((one) => ({ id: one.id, title: one.title, what: OWN, builtIn: false, toggles: [...one.toggles] }));
  /** What cannot be read hides nothing else. */
  const orNone = <T>(work: Promise<readonly T[]>): Promise<readonly T[]> => work.catch((error: unknown) => {
    log.warn('Profiles or their effects cannot be read', { detail: String(error) });
    return [];
  });
  const find = async (id: string): Promise<PlainProfile> => {
    const found = builtInProfiles.find((one) => one.id === id) ?? (await readOwn()).find((one) => one.id === id);
    if (found === undefined) throw problemError('profile.not_found', { what: id });
    return found;
  };
  const requireOwn = async (id: string): Promise<void> => {
    if ((await find(id)).builtIn) throw problemError('profile.not_found', { what: `${id}: it comes with Warpdeck and stays as it is, so a set of your own under this name` });
  };
  return {
    find,
    async profiles() {
      const [own, effects] = await Promise.all([orNone(readOwn()), orNone(readEffects())]);
      return [...builtInProfiles, ...own].map((one) => ({ ...one, effects: effects.filter((card) => card.profileId === one.id) }));
    },
    async saveProfile({ id, title, toggles }) {
      const chosen = uniqueToggles(toggles);
      for (const one of chosen) requireToggle(one);
      if (id !== null) await requireOwn(id);
      const kept = { id: id ?? randomUUID(), title, toggles: chosen };
      await storage.call('effects.putProfile', kept);
      onChange();
      return { ...kept, what: OWN, builtIn: false, effects: (await readEffects()).filter((card) => card.profileId === kept.id) };
    },
    async removeProfile(id) {
      await requireOwn(id);
      await storage.call('effects.removeProfile', { id });
      onChange();
    },
  };
}

/** A toggle has one value: the last that was named holds. */
export const uniqueToggles = (toggles: readonly ChosenToggle[]): ChosenToggle[] => [...new Map(toggles.map((one) => [one.toggleId, one])).values()];
