import './palette.css';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { useIntents } from '../../app/context.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Icon } from '../../ui/icons.tsx';
import { findIntents, type Found } from './find-intents.ts';

/** Itself is not among what it offers. */
const OWN_ID = 'palette.open';

/** Search and commands: one list of what can be done and where one can go. */
export function Palette({ onClose }: { onClose(): void }): ReactNode {
  const intents = useIntents();
  const [input, setInput] = useState('');
  const [chosen, setChosen] = useState(0);
  const all = useMemo(() => intents.list().filter((i) => i.id !== OWN_ID), [intents]);
  const groups = useMemo(() => findIntents(all, input), [all, input]);
  const flat = useMemo(() => groups.flatMap((g) => g.items), [groups]);
  const list = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  // After the dialog has opened: it would give the focus to its first part otherwise.
  useEffect(() => field.current?.focus(), []);
  const at = Math.min(chosen, Math.max(0, flat.length - 1));
  useEffect(() => {
    const option = list.current?.querySelector('[aria-selected="true"]');
    if (option && 'scrollIntoView' in option) option.scrollIntoView({ block: 'nearest' });
  }, [at, flat]);

  const perform = (found: Found | undefined): void => {
    if (!found || found.reason !== null) return;
    onClose();
    intents.run(found.intent.id);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && flat.length > 0) {
      event.preventDefault();
      setChosen((at + step + flat.length) % flat.length);
    } else if (event.key === 'Home' || event.key === 'End') {
      event.preventDefault();
      setChosen(event.key === 'Home' ? 0 : flat.length - 1);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      perform(flat[at]);
    }
  };
  let index = -1;
  return (
    <Dialog label="Search and commands" className="pal" onClose={onClose}>
      <label className="ask">
        <Icon name="search" />
        <span className="sr">Search and commands</span>
        <input
          ref={field}
          role="combobox"
          aria-expanded="true"
          aria-controls="pal-list"
          aria-autocomplete="list"
          aria-activedescendant={flat.length > 0 ? `pal-${at}` : undefined}
          spellCheck={false}
          autoComplete="off"
          placeholder="What to do, where to go"
          value={input}
          onChange={(e) => {
            setInput(e.target.value);
            setChosen(0);
          }}
          onKeyDown={onKeyDown}
        />
        <span className="sub" role="status">
          {flat.length} of {all.length}
        </span>
      </label>
      <div id="pal-list" role="listbox" aria-label="Results" ref={list}>
        {groups.map((group) => (
          <div key={group.title} role="group" aria-label={group.title}>
            <div className="grp" aria-hidden="true">
              <span>{group.title}</span>
            </div>
            {group.items.map((found) => {
              index += 1;
              const own = index;
              return (
                <div key={found.intent.id} id={`pal-${own}`} className="op" role="option" aria-selected={own === at} aria-disabled={found.reason !== null} onMouseMove={() => own !== at && setChosen(own)} onClick={() => perform(found)}>
                  <Icon name={found.intent.icon} />
                  <Title found={found} />
                  <span className="sub">{found.reason ?? found.intent.detail ?? ''}</span>
                  <span>{own === at && found.reason === null ? <kbd>Enter</kbd> : found.intent.keys ? <Keys keys={found.intent.keys} /> : null}</span>
                </div>
              );
            })}
          </div>
        ))}
        {flat.length === 0 && <p className="no">Nothing is called “{input}”. Try fewer letters.</p>}
      </div>
      <div className="ft">
        <span>
          <kbd>↑</kbd> <kbd>↓</kbd> choose
        </span>
        <span>
          <kbd>Enter</kbd> do it
        </span>
        <span style={{ flex: 1 }} />
        <span className="hide-s">
          <kbd>&gt;</kbd> commands&ensp;<kbd>@</kbd> GPUs
        </span>
        <span>
          <kbd>Esc</kbd> close
        </span>
      </div>
    </Dialog>
  );
}

function Title({ found }: { readonly found: Found }): ReactNode {
  const { title } = found.intent;
  if (!found.mark) return <span>{title}</span>;
  const [from, to] = found.mark;
  return (
    <span>
      {title.slice(0, from)}
      <b>{title.slice(from, to)}</b>
      {title.slice(to)}
    </span>
  );
}

/** A shortcut as keys. */
export function Keys({ keys }: { readonly keys: string }): ReactNode {
  return keys.split(' ').map((key) => (
    <span key={key}>
      <kbd>{key}</kbd>{' '}
    </span>
  ));
}
