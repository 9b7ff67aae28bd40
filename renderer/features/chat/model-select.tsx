import type { ReactNode } from 'react';
import type { Answerer } from '../../../contract/chat.ts';
import type { Provider } from '../../../contract/inference.ts';
import { useLoaded, useModels } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Icon } from '../../ui/icons.tsx';
import { choiceValue, listChoices } from './model-choices.ts';

const none: readonly never[] = [];

/** Which model answers, by groups: in memory, on this machine, on other servers. */
export function ModelSelect({ label, value, providers, disabled = false, onChange }: { readonly label: string; readonly value: Pick<Answerer, 'provider' | 'model'>; readonly providers: readonly Provider[]; readonly disabled?: boolean; onChange(choice: { readonly provider: string | null; readonly model: string | null }): void }): ReactNode {
  const models = useModels((s) => valueOf(s.list))?.models ?? none;
  const loaded = useLoaded((s) => valueOf(s.loaded)) ?? none;
  const groups = listChoices(models, loaded, providers, value);
  return (
    <span className="sel models">
      <select aria-label={label} value={choiceValue(value)} disabled={disabled} onChange={(e) => {
        const choice = groups.flatMap((g) => g.choices).find((c) => c.value === e.target.value);
        if (choice) onChange({ provider: choice.provider, model: choice.model });
      }}>
        {groups.map((g) => (
          <optgroup key={g.title} label={g.title}>
            {g.choices.map((c) => <option key={c.value} value={c.value}>{c.text}</option>)}
          </optgroup>
        ))}
      </select>
      <Icon name="down" small />
    </span>
  );
}
