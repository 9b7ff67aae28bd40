import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { offeredModel, type Model, type ModelSubject, type OfferedModel } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { isFile, isOffered } from './find-model.ts';

/** resources/data/offered-models.json. */
const offeredTable = z.object({
  _about: z.object({ what: z.string(), asOf: z.string(), source: z.string(), keys: z.string() }),
  models: z.array(offeredModel),
});

/** The short list that ships. @throws when the table is missing or wrong */
export async function readOfferedModels(resources: string): Promise<OfferedModel[]> {
  return offeredTable.parse(JSON.parse(await readFile(join(resources, 'data', 'offered-models.json'), 'utf8'))).models;
}

/** Says which of the files are here. Pure. */
export function markHere(offer: OfferedModel, models: readonly Model[]): OfferedModel {
  const whole = models.filter((m) => !m.problems.some((p) => p.code === 'model.parts_missing' || p.code === 'model.incomplete'));
  return {
    ...offer,
    files: offer.files.map((file) => {
      const found = whole.find((m) => isFile(m, offer, file)) ?? (offer.files.length === 1 ? whole.find((m) => isOffered(m, offer)) : undefined);
      return { ...file, hereAs: found?.id ?? null };
    }),
  };
}

export interface HeaderPlace {
  readonly name: string;
  /** Addresses of all parts, the first one first. */
  readonly urls: readonly string[];
  readonly fileBytes: number | null;
  readonly offer: OfferedModel | null;
}

/** Where the header of something that is only offered lies. @throws ProblemError `download.unknown` */
export function decideHeaderPlace(subject: Exclude<ModelSubject, { model: string }>, offers: readonly OfferedModel[], resolve: (repository: string, revision: string | null, file: string) => string): HeaderPlace {
  if ('url' in subject) return { name: lastName(subject.url), urls: [subject.url], fileBytes: null, offer: null };
  const offer = offers.find((one) => one.id.toLowerCase() === subject.offered.toLowerCase() || one.repository?.toLowerCase() === subject.offered.toLowerCase());
  if (offer === undefined) throw problemError('download.unknown', { what: subject.offered, detail: 'It is not among what is proposed.' });
  const file = offer.files.find((one) => one.quantisation.toLowerCase() === subject.quantisation.toLowerCase());
  const { repository, revision } = offer;
  if (file === undefined || repository === null) throw problemError('download.unknown', { what: `${offer.name} ${subject.quantisation}`, detail: `It comes as ${offer.files.map((one) => one.quantisation).join(', ')}.` });
  const parts = Array.from({ length: file.parts }, (_, i) => file.file.replace(/-\d{5}-of-(\d{5})\.gguf$/i, (_whole, of: string) => `-${String(i + 1).padStart(5, '0')}-of-${of}.gguf`));
  return { name: offer.name, urls: parts.map((part) => resolve(repository, revision, part)), fileBytes: file.bytes > 0 ? file.bytes : null, offer };
}

function lastName(url: string): string {
  const name = url.replace(/[?#].*$/, '').replace(/^.*\//, '');
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
