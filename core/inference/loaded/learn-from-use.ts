import type { GenerationFigures } from '../../../contract/inference.ts';
import type { Model } from '../../../contract/models.ts';
import { readResidentBytes } from '../../supervisor/process-identity.ts';
import type { Experience, Place } from '../parts.ts';
import type { ModelLife } from './model-life.ts';

export interface LearningOptions {
  readonly model: Model;
  readonly experience: Experience;
  readonly life: Pick<ModelLife, 'parts' | 'process' | 'resolved'>;
  readonly now: () => number;
  /** Nothing else is being answered beside it. */
  readonly isAlone: () => boolean;
  readonly hasAnswered: () => boolean;
}

/** Hands on what a load and its answers showed, for better estimates and predictions. */
export interface Learning {
  /** What it really took, once for each load. */
  memory(): Promise<void>;
  speed(figures: GenerationFigures): void;
  /** Tokens a second that memory bandwidth allows at a depth; null: not known. */
  roofline(depth: number): number | null;
}

/** Fewer tokens say little about speed. */
const LEAST_TOKENS = 32;

export function createLearning({ model, experience, life, now, isAlone, hasAnswered }: LearningOptions): Learning {
  const recorded = new WeakSet();

  /** Where all of it lies; null when it is divided between a GPU and the processor. */
  const onePlace = (): Place | null => {
    const decision = life.parts()?.plan.decision;
    const place = decision?.places[0];
    return place === undefined || (place.kind === 'gpu' && decision?.allOnGpu !== true) ? null : place;
  };

  const bytesPerToken = (depth: number): number | null => (model.facts === null ? null : experience.bytesPerToken(model.facts, depth, life.resolved()));

  /** On a GPU what the driver says of the process; on a processor its memory once an answer has touched all weights. */
  const readTruth = async (place: Place): Promise<number | null> => {
    const parts = life.parts();
    if (parts === null) return null;
    if (place.kind === 'gpu') {
      const held = parts.plan.decision.settings.devices.map((uuid) => parts.watch.processBytes()?.get(uuid) ?? null);
      return held.includes(null) ? null : held.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
    }
    const pid = life.process()?.pid() ?? null;
    return pid === null || !hasAnswered() ? null : readResidentBytes(pid);
  };

  return {
    async memory() {
      const parts = life.parts();
      const place = onePlace();
      const estimate = parts?.plan.decision.estimate ?? null;
      if (parts === null || place === null || estimate === null || recorded.has(parts)) return;
      const truthBytes = await readTruth(place);
      if (truthBytes === null || truthBytes <= 0 || recorded.has(parts)) return;
      recorded.add(parts);
      experience.recordLoad({ modelId: model.id, place: estimate.place, backend: parts.plan.backend.kind, estimate, truthBytes, atMs: now() });
    },
    speed({ decodeTokensPerSecond, promptTokens, answerTokens, drafted }) {
      const parts = life.parts();
      const place = onePlace();
      const tokens = answerTokens ?? 0;
      const depth = Math.round((promptTokens ?? 0) + tokens / 2);
      const bytes = bytesPerToken(depth);
      // Beside others, or with a draft, it is not the speed of one stream.
      if (parts === null || place === null || bytes === null || decodeTokensPerSecond === null || tokens < LEAST_TOKENS || drafted !== null || !isAlone()) return;
      experience.recordSpeed({ modelId: model.id, place: place.key, backend: parts.plan.backend.kind, bytesPerToken: bytes, depth, tokensPerSecond: decodeTokensPerSecond, tokens, synthetic: model.synthetic, atMs: now() });
    },
    roofline(depth) {
      const bandwidth = onePlace()?.bandwidth?.bytesPerSecond ?? null;
      const bytes = bytesPerToken(depth);
      return bandwidth === null || bytes === null || bytes <= 0 ? null : bandwidth / bytes;
    },
  };
}
