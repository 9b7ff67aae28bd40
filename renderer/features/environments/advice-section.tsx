import type { ReactNode } from 'react';
import { useEnvironments } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { CopyLine } from '../../ui/copy-line.tsx';
import { formatCount } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';

/** Every route that applies, with its commands; and the advice that does not work here. */
export function AdviceSection({ say }: { say(text: string): string }): ReactNode {
  const advice = useEnvironments((s) => s.advice);
  const known = valueOf(advice);
  if (known === null) return advice.state === 'failed' ? <section><ProblemNote problem={advice.problem} /></section> : null;
  if (known.routes.length === 0 && known.wrong.length === 0 && known.conflicts.length === 0 && known.nothingToDo === null) return null;
  return (
    <section>
      <h3>Ways to repair it<span className="sub">{known.routes.length === 0 ? 'none needed' : formatCount(known.routes.length, 'way')}</span></h3>
      {known.nothingToDo !== null && <p className="note">{say(known.nothingToDo)}</p>}
      {known.conflicts.map((c) => <p key={c} className="note"><Icon name="warn" small className="attention" /> {say(c)}</p>)}
      {known.problems.map((p) => <ProblemNote key={p.code} problem={p} />)}
      {known.routes.map((r) => (
        <details key={r.id} className="route" open={r.recommended}>
          <summary><b>{say(r.title)}</b>{r.recommended && <span className="tag rec">recommended</span>}<span className="q"> {say(r.why)}</span></summary>
          {r.needs.map((n) => <p key={n.text} className="note"><Icon name={n.met === true ? 'ok' : n.met === false ? 'bad' : 'unk'} small className={n.met === true ? 'fine' : n.met === false ? 'problem' : 'unknown'} label={n.met === true ? 'met' : n.met === false ? 'not met' : 'not known'} /> {say(n.text)}</p>)}
          {r.commands.map((c) => <CopyLine key={c} command={c} />)}
          {r.verify.length > 0 && <p className="note">Afterwards, to see that it worked:</p>}
          {r.verify.map((c) => <CopyLine key={c} command={c} />)}
          {r.risks.map((risk) => <p key={risk} className="note">{say(risk)}</p>)}
        </details>
      ))}
      {known.wrong.length > 0 && (
        <>
          <h3 className="next">Advice that does not work here</h3>
          <dl className="adv">
            {known.wrong.map((w) => (
              <div key={w.command}>
                <dt><Icon name="x" small /><code>{w.command}</code></dt>
                <dd>{say(w.why)}{w.instead !== null && <> <span className="q">Instead: {say(w.instead)}</span></>}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </section>
  );
}
