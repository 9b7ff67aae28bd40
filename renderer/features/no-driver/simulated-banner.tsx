import './no-driver.css';
import { useState, type ReactNode } from 'react';
import type { Inventory } from '../../../contract/gpu.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';

/** The sentence of the banner. Pure. */
export function decideSimulatedWords(inventory: Pick<Inventory, 'source' | 'sourceSpec' | 'devices' | 'provenance' | 'findings'>): { readonly title: string; readonly text: string } {
  const n = inventory.devices.length;
  if (inventory.source === 'replay') {
    const edited = inventory.provenance?.edited ?? [];
    return {
      title: `A recording is played: ${formatCount(n, 'GPU')}.`,
      text: `${inventory.provenance?.recordedOn ? `Recorded on ${inventory.provenance.recordedOn}. ` : ''}${edited.length > 0 ? `It was edited: ${edited.map((e) => e.field).slice(0, 4).join(', ')}${edited.length > 4 ? ` and ${edited.length - 4} more` : ''}. ` : ''}No process can be ended here.`,
    };
  }
  const chosen = inventory.findings.length === 0;
  return { title: `${chosen ? '' : 'No NVIDIA hardware here; '}${n === 1 ? (chosen ? 'This GPU is' : 'this GPU is') : `${chosen ? 'These' : 'these'} ${n} GPUs are`} simulated.`, text: 'Their values come from a model of heat and power, not from a device.' };
}

/** Says aloud that what is shown is not this machine's. */
export function SimulatedBanner({ inventory }: { readonly inventory: Inventory }): ReactNode {
  const [looked, setLooked] = useState(false);
  if (!inventory.simulated) return null;
  const words = decideSimulatedWords(inventory);
  return (
    <>
      <section className="simban" aria-label={inventory.source === 'replay' ? 'A recording' : 'Simulated GPUs'}>
        <Icon name="unk" small />
        <p>
          <b>{words.title}</b> {words.text}
        </p>
        {inventory.findings.length > 0 && (
          <Button look="bare" aria-expanded={looked} onClick={() => setLooked(!looked)}>
            What was looked for
          </Button>
        )}
      </section>
      {looked && (
        <div className="noans looked">
          <Panel title="What was looked for">
            <ul className="list pad found">
              {inventory.findings.map((f) => (
                <li key={f.name}>
                  <Icon name={f.ok ? 'ok' : 'none'} small label={f.ok ? 'found' : 'not found'} />
                  <span>{f.name}</span>
                  <span className="m trunc">{f.value}</span>
                  <span className="q">{f.place}</span>
                </li>
              ))}
            </ul>
          </Panel>
        </div>
      )}
    </>
  );
}
