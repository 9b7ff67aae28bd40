import { useState, type ReactNode } from 'react';
import type { PromptSet } from '../../../../contract/chat.ts';
import { Button } from '../../../ui/button.tsx';
import { Dialog } from '../../../ui/dialog.tsx';
import { formatCount } from '../../../ui/format.ts';
import { parsePrompts } from './comparison-words.ts';

const MOST_PROMPTS = 1000;

/** A set of prompts as one text, prompts apart by a line of dashes. `set` null: a new one; a built-in one is copied. */
export function PromptSetDialog({ set, onSave, onRemove, onClose }: { readonly set: PromptSet | null; onSave(set: { readonly id: string | null; readonly name: string; readonly prompts: readonly string[] }): void; readonly onRemove: (() => void) | null; onClose(): void }): ReactNode {
  const [name, setName] = useState(set === null ? '' : set.builtIn ? `${set.name}, my copy` : set.name);
  const [text, setText] = useState(set?.prompts.join('\n---\n') ?? '');
  const prompts = parsePrompts(text);
  const fits = prompts.length > 0 && prompts.length <= MOST_PROMPTS && name.trim() !== '';
  return (
    <Dialog label="Set of prompts" className="ask promptset" onClose={onClose}>
      <h2>{set === null ? 'A new set of prompts' : 'Set of prompts'}</h2>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          if (fits) onSave({ id: set === null || set.builtIn ? null : set.id, name: name.trim(), prompts });
        }}
      >
        <label className="field"><span>Name</span><input className="txt" autoFocus required maxLength={200} value={name} onChange={(e) => setName(e.target.value)} /></label>
        <label className="field">
          <span>Prompts, apart by a line of three dashes</span>
          <textarea className="mono" rows={12} value={text} onChange={(e) => setText(e.target.value)} />
          <span className="q">{prompts.length > MOST_PROMPTS ? `${formatCount(prompts.length, 'prompt')}; at most ${MOST_PROMPTS} fit into a set.` : formatCount(prompts.length, 'prompt')}</span>
        </label>
        <footer>
          {onRemove !== null && set !== null && !set.builtIn && <Button onClick={onRemove}>Remove “{set.name}”</Button>}
          <span className="sp" />
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" className="btn primary" disabled={!fits}>Save</button>
        </footer>
      </form>
    </Dialog>
  );
}
