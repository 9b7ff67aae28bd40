import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { offeredModel, type GgufFacts, type Model, type ModelSubject, type OfferedFile, type OfferedModel } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
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

/** What the header of a file on a server said. */
export interface ReadHeader {
  readonly facts: GgufFacts | null;
  readonly problem: Problem | null;
  /** Of all parts together. */
  readonly fileBytes: number;
}
export interface ReadHeaders {
  /** As it was read in this run of the engine: megabytes are not fetched again for each look. */
  get(place: Pick<HeaderPlace, 'urls' | 'fileBytes'>): ReadHeader | null;
  /** Keeps it when it is sound, and of a file that was proposed: any other address may hold something else a moment later. */
  keep(place: Pick<HeaderPlace, 'urls' | 'fileBytes' | 'offer'>, header: ReadHeader): void;
  of(offer: Pick<OfferedModel, 'id'>, file: Pick<OfferedFile, 'file'>): GgufFacts | null;
}

const MOST_HEADERS = 200;

/** Headers of files that are only offered, kept in memory. */
export function createReadHeaders(): ReadHeaders {
  const byUrl = new Map<string, { readonly header: ReadHeader; readonly offerId: string; readonly file: string; readonly announcedBytes: number | null }>();
  return {
    get({ urls: [url = ''], fileBytes }) {
      const kept = byUrl.get(url);
      // Announced otherwise since: another file.
      return kept === undefined || kept.announcedBytes !== fileBytes ? null : kept.header;
    },
    keep({ urls: [url], fileBytes, offer }, header) {
      if (url === undefined || offer === null || header.facts === null || header.problem !== null) return;
      byUrl.delete(url);
      byUrl.set(url, { header, offerId: offer.id, file: lastName(url), announcedBytes: fileBytes });
      const oldest = byUrl.keys().next().value;
      if (byUrl.size > MOST_HEADERS && oldest !== undefined) byUrl.delete(oldest);
    },
    of(offer, file) {
      const name = file.file.replace(/^.*\//, '');
      return [...byUrl.values()].find((one) => one.offerId === offer.id && one.file === name)?.header.facts ?? null;
    },
  };
}

/** What is known of a file's shapes: its own header, here or read from the server; else that of the file of the same model nearest in size. */
export function findHeader(offer: Pick<OfferedModel, 'id' | 'files'>, file: OfferedFile, models: readonly Model[], headers: Pick<ReadHeaders, 'of'>): { readonly facts: GgufFacts; readonly own: boolean } | null {
  const factsOf = (one: OfferedFile): GgufFacts | null => models.find((m) => m.id === one.hereAs)?.facts ?? headers.of(offer, one);
  const own = factsOf(file);
  if (own !== null) return { facts: own, own: true };
  const away = (one: OfferedFile): number => Math.abs(Math.log(Math.max(1, one.bytes) / Math.max(1, file.bytes)));
  const [nearest] = offer.files.flatMap((one) => { const facts = one === file ? null : factsOf(one); return facts === null ? [] : [{ facts, far: away(one) }]; }).sort((a, b) => a.far - b.far);
  return nearest === undefined ? null : { facts: nearest.facts, own: false };
}

function lastName(url: string): string {
  const name = url.replace(/[?#].*$/, '').replace(/^.*\//, '');
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
