import type { Answerer } from '../../../contract/chat.ts';
import type { LoadedModel, Provider } from '../../../contract/inference.ts';
import type { Model } from '../../../contract/models.ts';
import { formatBytes, formatCount, formatShare } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';

export interface ModelChoice {
  /** What tells choices apart, for the select. */
  readonly value: string;
  readonly text: string;
  readonly provider: string | null;
  readonly model: string | null;
}

export interface ChoiceGroup {
  readonly title: string;
  readonly choices: readonly ModelChoice[];
}

/** The value of a choice for this answerer. Pure. */
export function choiceValue(answerer: Pick<Answerer, 'provider' | 'model'>): string {
  return `${answerer.provider ?? ''}\n${answerer.model ?? ''}`;
}

/** Names as people call a model: with its quantisation where the name does not say it. Pure. */
export function nameOfModel(model: Pick<Model, 'name' | 'facts'>): string {
  const quantisation = model.facts?.quantisation ?? '';
  return plainText(quantisation === '' || model.name.toUpperCase().includes(quantisation.toUpperCase()) ? model.name : `${model.name} ${quantisation}`);
}

function stateOf(model: Model, loaded: readonly LoadedModel[]): string {
  const one = loaded.find((l) => l.modelId === model.id);
  if (one?.state === 'ready') return 'in memory';
  if (one?.state === 'loading' || one?.state === 'starting') return one.progress === null ? 'loads' : `loads, ${formatShare(one.progress).text} %`;
  const { text, unit } = formatBytes(model.bytes);
  return `${text} ${unit}`;
}

/** A model that a conversation can be had with. Pure. */
export function canChat(model: Model): boolean {
  return !model.synthetic && model.facts?.embeddingOnly !== true && !model.problems.some((p) => p.severity === 'problem');
}

/**
 * What can be chosen: models in memory, those on this machine, those of other servers. A choice that is not there any
 * more keeps its line, so that nothing changes silently. Pure.
 */
export function listChoices(models: readonly Model[], loaded: readonly LoadedModel[], providers: readonly Provider[], current: Pick<Answerer, 'provider' | 'model'>): readonly ChoiceGroup[] {
  const usable = models.filter(canChat);
  const toChoice = (m: Model): ModelChoice => ({ value: choiceValue({ provider: null, model: m.id }), text: `${nameOfModel(m)}, ${stateOf(m, loaded)}`, provider: null, model: m.id });
  const inMemory = usable.filter((m) => loaded.some((l) => l.modelId === m.id && l.state !== 'failed' && l.state !== 'stopping'));
  const groups: ChoiceGroup[] = [
    { title: 'Default', choices: [{ value: choiceValue({ provider: null, model: null }), text: 'The default model', provider: null, model: null }] },
    { title: 'In memory', choices: inMemory.map(toChoice) },
    { title: 'On this machine', choices: usable.filter((m) => !inMemory.includes(m)).map(toChoice) },
    ...providers.map((p) => ({ title: plainText(p.name), choices: p.models.map((name) => ({ value: choiceValue({ provider: p.id, model: name }), text: `${plainText(name)}${p.state === 'fails' ? ', does not answer' : ''}`, provider: p.id, model: name })) })),
  ];
  const known = groups.some((g) => g.choices.some((c) => c.value === choiceValue(current)));
  if (!known && current.model !== null) groups.push({ title: 'Not here', choices: [{ value: choiceValue(current), text: `${plainText(current.model)}, not here`, provider: current.provider, model: current.model }] });
  return groups.filter((g) => g.choices.length > 0);
}

/** Where a model is, in a few words for the composer. Pure. */
export function describePlacement(loaded: LoadedModel | null, provider: Provider | null, providerId: string | null): string {
  if (providerId !== null) return provider === null ? 'the server is not known' : provider.state === 'fails' ? `${plainText(provider.name)} does not answer` : `on ${plainText(provider.name)}`;
  if (loaded === null) return 'not in memory; loaded with the first message';
  if (loaded.state === 'failed') return 'could not be loaded';
  if (loaded.state === 'stopping') return 'is being unloaded';
  if (loaded.state !== 'ready') return loaded.progress === null ? 'loads' : `loads, ${formatShare(loaded.progress).text} %`;
  const { truth } = loaded;
  const gpus = truth.placed.filter((p) => p.uuid !== null && p.layers > 0).map((p) => plainText(p.name));
  return truth.layersOnGpu === 0 ? `processor${loaded.threads === null ? '' : `, ${formatCount(loaded.threads, 'thread')}`}` : `${gpus.join(', ') || 'GPU'}, ${truth.layersOnGpu} of ${truth.layers} layers`;
}
