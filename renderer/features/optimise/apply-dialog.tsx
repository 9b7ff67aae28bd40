import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Application, ApplyMeans, ApplyPlan, ChosenToggle, Toggle } from '../../../contract/optimize.ts';
import type { Problem } from '../../../contract/problem.ts';
import { useApp } from '../../app/context.tsx';
import { problemFrom } from '../../connection/problem-from.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine, writeClipboard } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatCount } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { Segmented } from '../../ui/segmented.tsx';
import { meansWords } from './effect-words.ts';
import { TroubleNote } from './trouble-note.tsx';

type Task =
  | { readonly kind: 'apply'; readonly environmentId: string; readonly environmentName: string; readonly toggles: readonly ChosenToggle[]; readonly known: readonly Toggle[] }
  | { readonly kind: 'undo'; readonly application: Application };

const means = ['snippet', 'hook', 'conda', 'jupyter'] as const satisfies readonly ApplyMeans[];

/** Plan, agree, apply; or the same to undo. Nothing is written before the last button. */
export function ApplyDialog({ task, onClose }: { readonly task: Task; onClose(): void }): ReactNode {
  const { optimise, ui } = useApp();
  const [way, setWay] = useState<ApplyMeans>('snippet');
  const [plan, setPlan] = useState<ApplyPlan | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [agreed, setAgreed] = useState(false);
  const [busy, setBusy] = useState(false);
  const [round, setRound] = useState(0);
  // What is asked for does not change while the dialog is open, whatever the page behind it reads meanwhile.
  const wanted = useRef(task).current;
  useEffect(() => {
    let current = true;
    setPlan(null);
    setProblem(null);
    setAgreed(false);
    const asked = wanted.kind === 'undo' ? optimise.getState().planRevert(wanted.application.id) : optimise.getState().planApply(wanted.toggles, way, wanted.environmentId);
    asked.then((made) => { if (current) setPlan(made); }, (error: unknown) => { if (current) setProblem(problemFrom(error)); });
    return () => {
      current = false;
    };
  }, [optimise, wanted, way, round]);
  const undo = wanted.kind === 'undo';
  const name = plainText(undo ? wanted.application.environmentName : wanted.environmentName);
  const title = undo ? `Undo in ${name}` : `Apply ${formatCount(wanted.toggles.length, 'switch', 'switches')} to ${name}`;
  const writes = plan !== null && plan.means !== 'snippet';
  const perform = async (): Promise<void> => {
    if (plan === null) return;
    setBusy(true);
    try {
      if (undo) await optimise.getState().revert(plan.planId);
      else await optimise.getState().apply(plan.planId, agreed);
      ui.getState().say(undo ? `Undone in ${name}.` : `Applied to ${name}. Programs that run already are not changed; Undo is under Applied.`);
      onClose();
    } catch (error) {
      setProblem(problemFrom(error));
      setBusy(false);
    }
  };
  return (
    <Dialog label={title} className="ask applyask" onClose={onClose}>
      <h2>{title}</h2>
      <div className="body">
        {!undo && <Segmented label="How" value={way} disabled={busy} options={means.map((m) => ({ value: m, text: meansWords[m].text, title: meansWords[m].title }))} onChange={(next) => setWay(next)} />}
        {!undo && <p className="note lead">{meansWords[way].what}</p>}
        {problem !== null && <TroubleNote problem={problem} onRetry={() => setRound(round + 1)} retryLabel="Plan again" />}
        {plan === null && problem === null && <p className="note" role="status">Planning.</p>}
        {plan !== null && <PlanParts plan={plan} undo={undo} known={wanted.kind === 'apply' ? wanted.known : []} />}
        {plan !== null && writes && plan.agree.length > 0 && (
          <div className="agree">
            <ul>{plan.agree.map((text) => <li key={text}>{plainText(text)}</li>)}</ul>
            <label><input type="checkbox" checked={agreed} disabled={busy} onChange={(e) => setAgreed(e.target.checked)} /> Results change, and I agree to it</label>
          </div>
        )}
        {plan !== null && !writes && plan.agree.length > 0 && <div className="callout">{plan.agree.map((text) => <p key={text}>{plainText(text)}</p>)}</div>}
      </div>
      <footer>
        <Button autoFocus onClick={onClose}>{plan !== null && !writes && !undo ? 'Done' : 'Cancel'}</Button>
        {(writes || undo) && <Button look="primary" disabled={busy || problem !== null || plan === null || (plan.agree.length > 0 && !agreed)} onClick={() => void perform()}>{busy ? 'Working' : undo ? 'Undo' : `Apply to ${name}`}</Button>}
      </footer>
    </Dialog>
  );
}

function PlanParts({ plan, undo, known }: { readonly plan: ApplyPlan; readonly undo: boolean; readonly known: readonly Toggle[] }): ReactNode {
  const variables = Object.entries(plan.variables);
  const left = known.filter((t) => !plan.toggles.some((p) => p.toggleId === t.id));
  return (
    <>
      {!undo && plan.snippet !== '' && <Lines label="Lines for your program" text={plan.snippet} />}
      {!undo && variables.length > 0 && <Lines label="Variables for its start" text={variables.map(([key, value]) => `export ${key}=${quoteForShell(value)}`).join('\n')} />}
      {plan.files.map((file) => (
        <details key={file.path} className="planfile">
          <summary>{undo ? 'Removed or put back: ' : file.exists ? 'Changed: ' : 'Written: '}<span className="mono">{plainText(file.path)}</span></summary>
          <pre className="log" tabIndex={0} aria-label={file.path}>{file.text}</pre>
        </details>
      ))}
      {plan.commands.map((command) => <CopyLine key={command.join('\0')} command={command.map(quoteForShell).join(' ')} />)}
      {left.length > 0 && <p className="note">Left out: {left.map((t) => t.title).join(', ')}.</p>}
      {plan.notes.map((note) => <p key={note} className="note">{plainText(note)}</p>)}
    </>
  );
}

/** A word as a POSIX shell takes it for one. Pure. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Some lines of code with one button that copies all of them. */
function Lines({ label, text }: { readonly label: string; readonly text: string }): ReactNode {
  const [said, setSaid] = useState<string | null>(null);
  return (
    <section className="lines" aria-label={label}>
      <header><span className="lab">{label}</span><span className="sp" /><Button look="bare" small icon={said === 'Copied' ? 'ok' : 'copy'} onClick={() => void writeClipboard(text).then((ok) => setSaid(ok ? 'Copied' : 'Select it'))}>{said ?? 'Copy'}</Button></header>
      <pre className="log" tabIndex={0} aria-label={label}>{text}</pre>
      <span className="sr" role="status">{said === 'Copied' ? `${label}: copied` : ''}</span>
    </section>
  );
}
