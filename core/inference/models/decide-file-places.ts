import type { FilePlace, GgufFacts, MemoryVerdict, OfferedFile, OfferedModel, SpeedPrediction } from '../../../contract/models.ts';
import type { Place } from '../parts.ts';
import { backendFor, withUnloads, type LookQuestion } from './decide-outlook.ts';
import { predictFromBytes, predictSpeed } from './predict-speed.ts';

export interface FilePlacesQuestion extends LookQuestion {
  readonly offer: Pick<OfferedModel, 'parameters' | 'activeParameters'>;
  readonly file: Pick<OfferedFile, 'bytes'>;
  /** From its own header, or from that of another quantisation of the model. */
  readonly header: { readonly facts: GgufFacts; readonly own: boolean } | null;
  /** Ids under which the speed of this very file was recorded. */
  readonly ids: readonly string[];
}

const GIB = 2 ** 30;
/**
 * Beside weights whose shape is not known: a quarter of them and 1 GiB hold the cache of 8,192 tokens in 16 bits, buffers
 * and backend of the usual models with grouped attention (Llama 3.1 8B: 1.6 GiB, 70B: 3.5 GiB). Fewer heads need less.
 */
const roomFor = (weights: number): number => weights * 1.25 + GIB;
/** From a size alone: an input embedding of which one row is read (up to 15 % of a small model), rounded sizes. */
const SIZE_LOW = 0.95;
const SIZE_HIGH = 1.15;

/** What a file that can be had would need and give on every place, from the best that is known of it. Empty without a size. Pure. */
export function decideFilePlaces(question: FilePlacesQuestion): FilePlace[] {
  const { file, header } = question;
  if (header === null) return file.bytes > 0 ? question.places.map((place) => fromSize(question, place)) : [];
  const { own } = header;
  const facts = own ? header.facts : scaleFacts(header.facts, file.bytes);
  if (facts === null) return [];
  return question.places.map((place) => fromFacts(question, place, facts, own));
}

/** The same shapes with tensors of another total. Vocabulary and norms are quantised otherwise than layers: some percent off. null: no size. Pure. */
export function scaleFacts(facts: GgufFacts, fileBytes: number): GgufFacts | null {
  const { bytes } = facts;
  if (fileBytes <= 0 || bytes.total <= 0) return null;
  const by = fileBytes / bytes.total;
  // Which tensors have which type is not known of the other file: no copy for the processor is foreseen.
  return { ...facts, groups: [], bytes: { total: fileBytes, inputEmbedding: bytes.inputEmbedding * by, output: bytes.output * by, layers: bytes.layers.map((one) => one * by), experts: bytes.experts * by, rest: bytes.rest * by } };
}

function fromFacts({ settings, loaded, experience, records, ids }: FilePlacesQuestion, place: Place, facts: GgufFacts, own: boolean): FilePlace {
  const backend = backendFor(place, settings);
  const memory = withUnloads(experience.estimate(facts, settings, place, backend), loaded);
  return {
    place: place.key, placeName: place.name, from: own ? 'header' : 'sibling', weightsBytes: memory.weightsBytes, freeBytes: place.freeBytes, capacityBytes: place.capacityBytes,
    verdict: memory.verdict, memory, speed: predictSpeed({ facts, settings, place, backend, ids: own ? ids : [], records }),
  };
}

function fromSize({ offer, file, places, settings, records }: FilePlacesQuestion, place: Place): FilePlace {
  const host = place.kind === 'gpu' && !place.unifiedMemory ? (places.find((one) => one.kind === 'cpu')?.freeBytes ?? 0) : 0;
  const { parameters, activeParameters } = offer;
  const share = parameters !== null && activeParameters !== null && activeParameters < parameters ? activeParameters / parameters : 1;
  const speed = predictFromBytes({ bytes: file.bytes * share, mixture: share < 1, place, backend: backendFor(place, settings), ids: [], records });
  return { place: place.key, placeName: place.name, from: 'size', weightsBytes: file.bytes, freeBytes: place.freeBytes, capacityBytes: place.capacityBytes, verdict: decideSizeVerdict(file.bytes, place.freeBytes, host), memory: null, speed: widen(speed) };
}

/** Only what a size can tell: weights beyond what is free never go in whole; a GPU may then take some layers. `hostBytes`: free for the others. Pure. */
export function decideSizeVerdict(weightsBytes: number, freeBytes: number | null, hostBytes: number): MemoryVerdict {
  if (freeBytes === null) return 'unknown';
  if (weightsBytes > freeBytes) return freeBytes > GIB && weightsBytes < freeBytes + hostBytes ? 'fits_partly' : 'does_not_fit';
  return roomFor(weightsBytes) <= freeBytes ? 'fits' : 'unknown';
}

function widen(speed: SpeedPrediction): SpeedPrediction {
  return { ...speed, low: speed.low === null ? null : speed.low * SIZE_LOW, high: speed.high === null ? null : speed.high * SIZE_HIGH };
}
