import type { ModelReadResult } from '../../../contract/model-probe.ts';
import type { ModelProbe } from './model-probe.ts';

/** What the hub gives (core/inference/hub). */
export interface HeaderFetch {
  /** Fetches the first bytes of a file into a file of its own. */
  fetchHeader(url: string, bytes: number, signal?: AbortSignal): Promise<FetchedPart>;
}
interface FetchedPart {
  readonly path: string;
  readonly totalBytes: number;
  remove(): Promise<void>;
}

export interface RemoteHeader {
  readonly read: ModelReadResult;
  /** Of all parts together. */
  readonly fileBytes: number;
  /** Beginning of the first part; gone after `remove`. */
  readonly path: string;
  remove(): Promise<void>;
}

/** Heads of small models are shorter, those of large vocabularies 5 to 25 MB. */
const FIRST_BYTES = 2 * 1_048_576;
/** Later parts hold no vocabulary. */
const PART_BYTES = 262_144;
/** 2 → 64 MiB in steps of four. */
const MAX_TRIES = 6;

/**
 * Reads what the head of a model says that is not on this machine, by ranges.
 * @throws ProblemError `download.*` of the hub; the reason of `signal`
 */
export async function readRemoteHeader(urls: readonly string[], hub: HeaderFetch, probe: Pick<ModelProbe, 'read'>, signal?: AbortSignal): Promise<RemoteHeader> {
  const fetched: FetchedPart[] = [];
  const remove = async (): Promise<void> => { await Promise.all(fetched.map((part) => part.remove())); };
  try {
    let need = FIRST_BYTES;
    for (let tries = 0; ; tries++) {
      await Promise.all(fetched.splice(0).map((part) => part.remove()));
      for (const [index, url] of urls.entries()) fetched.push(await hub.fetchHeader(url, index === 0 ? need : Math.max(PART_BYTES, tries === 0 ? 0 : need), signal));
      const [first, ...others] = fetched;
      if (first === undefined) throw new Error('No address was given');
      const read = await probe.read({ path: first.path, ofBytes: first.totalBytes, otherParts: others.map((part) => ({ path: part.path, ofBytes: part.totalBytes })) });
      if (read.needBytes === null || tries >= MAX_TRIES) return { read, fileBytes: fetched.reduce((total, part) => total + part.totalBytes, 0), path: first.path, remove };
      need = read.needBytes;
    }
  } catch (error) {
    await remove();
    throw error;
  }
}
