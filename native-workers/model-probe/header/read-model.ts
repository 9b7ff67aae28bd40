import type { FileHandle } from 'node:fs/promises';
import type { GgufFacts } from '../../../contract/models.ts';
import type { ModelReadResult } from '../../../contract/model-probe.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import { openForReading } from '../open-for-reading.ts';
import { decideFacts } from './decide-facts.ts';
import { identifyFile } from './identify-file.ts';
import { knownArchitectures, LLAMA_RELEASE } from './known-architectures.ts';
import { MAX_HEADER_BYTES, MIN_FILE_BYTES, MoreNeeded, parseGguf, type GgufHeader } from './parse-gguf.ts';

/** Heads of small models are below 2 MB. */
const FIRST_READ = 2 * 1_048_576;

/** Set in files of random weights that are made to measure speed (core/inference/synthetic). */
const SYNTHETIC_KEY = 'warpdeck.synthetic';

export interface ReadTarget {
  readonly path: string;
  /** Length of the whole file when `path` holds only its beginning. */
  readonly ofBytes: number | null;
}

type PartRead = { readonly header: GgufHeader; readonly problem: Problem | null } | { readonly needBytes: number };

/** Reads what the head of a model's files says; what is wrong with them is in the answer. Never rejects for the file. */
export async function readModel(target: ReadTarget, otherParts: readonly ReadTarget[]): Promise<ModelReadResult> {
  try {
    const first = await readPart(target);
    if ('needBytes' in first) return { facts: null, synthetic: false, needBytes: first.needBytes, problem: null };
    let problem = first.problem;
    const headers: GgufHeader[] = [];
    for (const part of otherParts) {
      const read = await readPart(part);
      if ('needBytes' in read) return { facts: null, synthetic: false, needBytes: read.needBytes, problem: null };
      headers.push(read.header);
      problem ??= read.problem;
    }
    const facts = decideFacts(first.header, headers);
    return { facts, synthetic: first.header.values.get(SYNTHETIC_KEY) === true, needBytes: null, problem: problem ?? decideOwnProblem(facts, target.path) };
  } catch (error) {
    const problem = problemOf(error);
    if (problem === null) throw error;
    return { facts: null, synthetic: false, needBytes: null, problem };
  }
}

async function readPart({ path, ofBytes }: ReadTarget): Promise<PartRead> {
  const { handle, bytes: here } = await openForReading(path);
  try {
    const fileBytes = ofBytes ?? here;
    const head = await readFrom(handle, 512);
    const kind = identifyFile(head, fileBytes);
    if (kind.what !== null) throw problemError('model.not_gguf', { path, what: kind.what, remedy: kind.remedy });
    if (fileBytes < MIN_FILE_BYTES) throw problemError('model.incomplete', { path, have: fileBytes, need: `at least ${MIN_FILE_BYTES}` });
    return await parsePart(handle, path, here, ofBytes);
  } finally {
    await handle.close();
  }
}

async function parsePart(handle: FileHandle, path: string, here: number, ofBytes: number | null): Promise<PartRead> {
  const fileBytes = ofBytes ?? here;
  for (let want = Math.min(here, FIRST_READ); ;) {
    try {
      const header = parseGguf(await readFrom(handle, want), path);
      const cut = header.endsAtByte > fileBytes;
      return { header, problem: cut ? makeProblem('model.incomplete', { path, have: fileBytes, need: header.endsAtByte }) : null };
    } catch (error) {
      if (!(error instanceof MoreNeeded)) throw error;
      // What the head says of itself is longer than the file: it was cut before its tensors.
      if (error.bytes > fileBytes) throw problemError('model.incomplete', { path, have: fileBytes, need: `at least ${error.bytes}` });
      const next = Math.min(MAX_HEADER_BYTES, fileBytes, Math.max(error.bytes, want * 4));
      if (next > here) return { needBytes: next };
      want = next;
    }
  }
}

/** @returns as many bytes as there are, at most `count` */
async function readFrom(handle: FileHandle, count: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(count);
  let filled = 0;
  while (filled < count) {
    const { bytesRead } = await handle.read(buffer, filled, count - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function decideOwnProblem(facts: GgufFacts, path: string): Problem | null {
  if (facts.tensors === 0 || facts.layers === 0) return makeProblem('model.damaged', { path, detail: 'it holds no layers of a language model.' });
  if (facts.architecture === 'clip') return makeProblem('model.unsupported', { what: 'A model of pictures alone ("mmproj"), which belongs beside another model,', release: LLAMA_RELEASE, path });
  if (!knownArchitectures.has(facts.architecture)) return makeProblem('model.unsupported', { what: `The architecture "${facts.architecture}"`, release: LLAMA_RELEASE, path });
  return null;
}
