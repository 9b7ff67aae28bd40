import type { LoadedModel } from '../../contract/inference.ts';
import type { ModelList } from '../../contract/models.ts';
import type { ReadinessLine } from '../../contract/system.ts';

/** The chat's line at the top of the monitor. Pure. */
export function decideChatReadiness(list: ModelList, loaded: readonly LoadedModel[]): ReadinessLine {
  const line = (state: ReadinessLine['state'], text: string, action: ReadinessLine['action'] = null): ReadinessLine => ({ area: 'chat', state, text, action });
  const wrong = loaded.find((l) => l.truth.colour === 'red');
  if (wrong) return line('problem', `${wrong.name}: ${wrong.truth.title.charAt(0).toLowerCase()}${wrong.truth.title.slice(1)}.`, { label: 'Show', place: 'page:chat' });
  const usable = list.models.filter((m) => !m.synthetic && m.facts !== null && !m.facts.embeddingOnly && !m.problems.some((p) => p.severity === 'problem'));
  if (usable.length === 0) return list.searchedAtMs === null ? line('unknown', 'Looking for models.') : line('attention', 'No model yet.', { label: 'Get SmolLM2 (98 MB)', place: 'page:chat' });
  const ready = loaded.filter((l) => l.state === 'ready');
  return line('fine', ready.length > 0 ? `${ready.map((l) => l.name).join(', ')} ${ready.length === 1 ? 'is' : 'are'} loaded.` : `${usable.length === 1 ? '1 model is' : `${String(usable.length)} models are`} here.`);
}
