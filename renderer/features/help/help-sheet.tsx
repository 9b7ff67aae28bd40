import './help.css';
import { Fragment, type ReactNode } from 'react';
import { useIntents } from '../../app/context.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';

/** Keys that belong to a place, not to an intent. */
const places: readonly (readonly [string, string])[] = [
  ['Space', 'On a chart: pause and go on'],
  ['Ctrl wheel', 'On a chart: zoom; drag selects a span, a double click resets'],
  ['← →', 'On a chart: move the crosshair'],
  ['Shift click', 'On a GPU in the top bar: add it to the selection'],
  ['↑ ↓', 'In a number: one step up or down'],
  ['Esc', 'Close what is open; put a number back'],
];

/** All shortcuts, read from the intents, so that none is forgotten. */
export function HelpSheet({ onClose }: { onClose(): void }): ReactNode {
  const intents = useIntents().list().filter((i) => i.keys !== undefined);
  return (
    <Dialog label="Keyboard shortcuts" className="help" onClose={onClose}>
      <header>
        <h2>Keyboard shortcuts</h2>
        <Button look="bare" icon="x" label="Close" onClick={onClose} />
      </header>
      <h3>Everywhere</h3>
      <dl>
        {intents.map((i) => (
          <Fragment key={i.id}>
            <dt>
              <KeyCaps keys={i.keys ?? ''} />
            </dt>
            <dd>{i.title}</dd>
          </Fragment>
        ))}
      </dl>
      <h3>In their place</h3>
      <dl>
        {places.map(([keys, text]) => (
          <Fragment key={keys}>
            <dt>
              <KeyCaps keys={keys} />
            </dt>
            <dd>{text}</dd>
          </Fragment>
        ))}
      </dl>
      <p className="note">Everything can be reached with Tab, and every command by its name in the palette (Ctrl K). In the terminal: <code>warpdeck --help</code>.</p>
    </Dialog>
  );
}

function KeyCaps({ keys }: { readonly keys: string }): ReactNode {
  return keys.split(' ').map((key) => (
    <Fragment key={key}>
      <kbd>{key}</kbd>{' '}
    </Fragment>
  ));
}
