import type { ReactNode } from 'react';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { Evidence } from '../../../contract/verdict.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { placeText } from './verdict-words.ts';

export interface EvidenceSectionProps {
  readonly facts: readonly Evidence[];
  readonly environment: Pick<FoundEnvironment, 'prefix' | 'packageFolders'>;
  say(text: string): string;
}

/** Each fact, whether it speaks for or against, and where it can be looked up. */
export function EvidenceSection({ facts, environment, say }: EvidenceSectionProps): ReactNode {
  if (facts.length === 0) return null;
  const against = facts.filter((e) => !e.supports).length;
  return (
    <section>
      <h3>Evidence<span className="sub">{facts.length} facts{against > 0 ? `, ${against} against` : ''}</span></h3>
      <dl className="evidence">
        {facts.map((e, i) => (
          <div key={i} className={e.supports ? undefined : 'against'}>
            <dt><Icon name={e.supports ? 'ok' : 'bad'} small className={e.supports ? 'fine' : 'problem'} label={e.supports ? 'speaks for it' : 'speaks against it'} />{say(e.what)}</dt>
            <dd>{say(e.value)}<span className="q" title={plainText(e.place)}>{plainText(placeText(e.place, environment))}</span></dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
