import './readiness.css';
import type { ReactNode } from 'react';
import type { ReadinessLine } from '../../../contract/system.ts';
import { useIntents, useReadiness } from '../../app/context.tsx';
import { followPlace } from '../../app/follow-place.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { Icon } from '../../ui/icons.tsx';
import { stateIcon } from '../../ui/state-mark.tsx';

const areas: Readonly<Record<ReadinessLine['area'], string>> = { gpu: 'GPU', pytorch: 'PyTorch', chat: 'Chat' };

/** What stands between this machine and work: a line and a button each. Gone when all is fine. */
export function Readiness(): ReactNode {
  const lines = useReadiness((s) => valueOf(s.lines));
  if (!lines || lines.every((l) => l.state === 'fine')) return null;
  return (
    <ul className="ready" aria-label="Readiness">
      {lines.map((line) => (
        <li key={line.area}>
          <Icon name={stateIcon(line.state)} className={line.state} label={line.state} />
          <span className="k">{areas[line.area]}</span>
          <span className="trunc" title={line.text}>
            {line.text}
          </span>
          {line.action ? <ActionButton action={line.action} /> : <span />}
        </li>
      ))}
    </ul>
  );
}

function ActionButton({ action }: { readonly action: NonNullable<ReadinessLine['action']> }): ReactNode {
  const intents = useIntents();
  return (
    <Button small onClick={() => followPlace(intents, action.place)}>
      {action.label}
    </Button>
  );
}
