import type { EngineSettings } from '../../../contract/inference.ts';
import type { GgufFacts, Model } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Place } from '../parts.ts';
import type { Machine } from './read-machine.ts';

export interface SettingsQuestion {
  readonly model: Pick<Model, 'id' | 'name' | 'facts'>;
  readonly settings: EngineSettings;
  readonly places: readonly Place[];
  readonly machine: Pick<Machine, 'logicalCores'>;
  readonly draft: Pick<Model, 'id' | 'name' | 'facts'> | null;
}

const PLAIN_CACHE: ReadonlySet<string> = new Set(['f32', 'f16', 'bf16']);

/** Finds what cannot go together before anything is started. @throws ProblemError `load.settings` */
export function checkSettings({ model, settings, places, machine, draft }: SettingsQuestion): void {
  const { backend, devices, gpuLayers, threads } = settings;
  if (!PLAIN_CACHE.has(settings.cacheTypeV) && settings.flashAttention === 'off') {
    refuse(`A V cache of type ${settings.cacheTypeV} needs flash attention, which is switched off.`, 'Set flash attention to auto or on, or take f16 for V.');
  }
  const strange = devices.find((uuid) => !places.some((place) => place.kind === 'gpu' && place.key === uuid));
  if (strange !== undefined) {
    const there = places.filter((place) => place.kind === 'gpu').map((place) => `${place.name} (${place.key})`);
    refuse(`There is no GPU ${strange} in this machine.`, there.length === 0 ? 'Take it out of the settings: no NVIDIA GPU is read here.' : `Choose among: ${there.join(', ')}.`);
  }
  if (backend === 'cpu' && devices.length > 0) refuse('The CPU is asked for, and GPUs are named.', 'Name one or the other.');
  if (backend === 'cpu' && gpuLayers !== null && gpuLayers > 0) refuse(`The CPU is asked for, and ${gpuLayers} layers on a GPU.`, 'Set the GPU layers to 0, or choose another backend.');
  if (threads !== null && threads > machine.logicalCores) {
    refuse(`${threads} threads are asked for; this machine has ${machine.logicalCores}. With more threads than cores llama.cpp becomes up to 100 times slower.`, `Ask for ${machine.logicalCores} at most, or leave it to Warpdeck.`);
  }
  if (draft !== null) checkDraft(model, draft);
}

function checkDraft(model: SettingsQuestion['model'], draft: Pick<Model, 'id' | 'name' | 'facts'>): void {
  if (draft.id === model.id) refuse(`${model.name} is to guess ahead for itself.`, 'Choose a smaller model of the same family as the draft model.');
  const [own, other] = [model.facts, draft.facts];
  if (own === null || other === null) return;
  if (own.vocabulary === other.vocabulary && own.tokenizer === other.tokenizer) return;
  refuse(`The draft model ${draft.name} has another vocabulary (${words(other)}) than ${model.name} (${words(own)}).`, 'Choose a smaller model of the same family.');
}

function words(facts: GgufFacts): string {
  return `${facts.vocabulary ?? 'unknown number of'} tokens, ${facts.tokenizer ?? 'unknown tokenizer'}`;
}

function refuse(detail: string, remedy: string): never {
  throw problemError('load.settings', { detail, remedy });
}
