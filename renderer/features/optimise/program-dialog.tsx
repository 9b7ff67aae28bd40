import { useEffect, useId, useState, type ReactNode, type SyntheticEvent } from 'react';
import type { ChosenToggle, CommandWorkload, LaunchPlan, PatternCheck } from '../../../contract/optimize.ts';
import type { Problem } from '../../../contract/problem.ts';
import { useApp, useOptimise } from '../../app/context.tsx';
import { problemFrom } from '../../connection/problem-from.ts';
import { keyOfSet } from '../../stores/optimise-store.ts';
import type { ProgramDraft } from '../../stores/program-draft.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatFigures } from '../../ui/format.ts';
import { NumberField } from '../../ui/number-field.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { Segmented } from '../../ui/segmented.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { decidePatternFault, splitCommand, toWorkload } from './program-words.ts';
import { TroubleNote } from './trouble-note.tsx';

export interface ProgramDialogProps {
  /** What is measured with it, in words: `Processor threads: One`. */
  readonly what: string;
  readonly toggles: readonly ChosenToggle[];
  /** A program that was measured before, to be measured again; null: what was entered last. It takes that one's place when it is changed or measured. */
  readonly start: ProgramDraft | null;
  /** Of the environment, so that its Python can be named; null: none. */
  readonly prefix: string | null;
  /** Answers the Problem where it is refused; null: it runs. */
  onMeasure(workload: CommandWorkload, budgetSeconds: number): Promise<Problem | null>;
  onClose(): void;
}

/** Time without typing after which the sample is looked at, ms. */
const PAUSE_MS = 250;
const directions = [{ value: 'higher', text: 'Higher is better' }, { value: 'lower', text: 'Lower is better' }] as const;

/** The user's own program as a workload: its command, the pattern of its figure, which direction is good. Nothing runs before the last button. */
export function ProgramDialog({ what, toggles, start, prefix, onMeasure, onClose }: ProgramDialogProps): ReactNode {
  const { optimise } = useApp();
  const entered = useOptimise((s) => s.program);
  const [fresh, setFresh] = useState(start);
  const draft = fresh ?? entered;
  const put = (change: Partial<ProgramDraft>): void => {
    setFresh(null);
    optimise.getState().setProgram({ ...draft, ...change });
  };
  const [sample, setSample] = useState('');
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const check = usePatternCheck(draft.pattern, sample);
  const ids = { command: useId(), pattern: useId() };
  const dropped = useDropped(toggles);
  const none = dropped !== null && dropped.length >= toggles.length;
  const split = splitCommand(draft.command);
  const patternFault = decidePatternFault(draft.pattern) ?? check?.fault ?? null;
  const misses = sample.trim() !== '' && check !== null && check.fault === null && check.figure === null;
  const workload = toWorkload(draft);
  const usable = !none && workload !== null && patternFault === null && !misses;
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (!usable || busy) return;
    setBusy(true);
    setProblem(null);
    put({});
    const refused = await onMeasure(workload, draft.budgetSeconds);
    if (refused === null) return onClose();
    setProblem(refused);
    setBusy(false);
  };
  const python = prefix === null ? 'python' : /^[A-Za-z]:\\/.test(prefix) ? `${prefix}\\Scripts\\python.exe` : `${prefix}/bin/python`;
  const said = tried || draft.command !== '' ? split.fault : null;
  const saidOfPattern = tried || draft.pattern !== '' ? patternFault : null;
  return (
    <Dialog label={`Measure ${what} with your own program`} className="ask applyask programask" onClose={onClose}>
      <form onSubmit={(e) => void submit(e)} noValidate>
        <h2>Measure {what} with your own program</h2>
        <div className="body">
          <p className="note lead">It is run once for each figure, in turn without and with the switch, at least 16 times. Nothing runs before Measure.</p>
          {dropped !== null && dropped.length > 0 && <div className="callout"><p><b>{none ? 'It cannot be brought into a program from outside.' : 'Not all of them can be brought into a program from outside.'}</b> {[...new Set(dropped.map((one) => one.why))].map(plainText).join(' ')}</p></div>}
          <label className="row"><span className="k">Command</span><input className="txt mono" autoFocus spellCheck={false} autoComplete="off" value={draft.command} placeholder={`${python} train.py --steps 50`} aria-invalid={said !== null} aria-describedby={ids.command} onChange={(e) => put({ command: e.target.value })} /></label>
          <p id={ids.command} className={said === null ? 'hint' : 'hint bad'}>{said ?? <>No shell reads it. {prefix !== null && <>This environment’s Python: <code>{plainText(python)}</code></>}</>}</p>
          <label className="row"><span className="k">Pattern</span><input className="txt mono" spellCheck={false} autoComplete="off" maxLength={500} value={draft.pattern} placeholder="tokens/s: ([\d.]+)" aria-invalid={saidOfPattern !== null} aria-describedby={ids.pattern} onChange={(e) => put({ pattern: e.target.value })} /></label>
          <p id={ids.pattern} className={saidOfPattern === null ? 'hint' : 'hint bad'}>{saidOfPattern === null ? 'A regular expression. Its first group is the figure; of several matches the last counts.' : plainText(saidOfPattern)}</p>
          <label className="row top"><span className="k">Try it on</span><textarea className="txt mono" rows={3} spellCheck={false} maxLength={100_000} value={sample} placeholder="Paste what the program prints. Optional." onChange={(e) => setSample(e.target.value)} /></label>
          <p className="hint" role="status">{sample.trim() === '' || patternFault !== null ? '' : check === null ? 'Looking.' : check.figure !== null ? <StateMark kind="fine">the figure is {formatFigures(check.figure)} {draft.unit}</StateMark> : check.found !== null ? <StateMark kind="attention">“{plainText(check.found)}” is no number above 0</StateMark> : <StateMark kind="attention">nothing in it fits the pattern</StateMark>}</p>
          <div className="row"><span className="k">Figure</span><Segmented label="Direction" value={draft.higherIsBetter ? 'higher' : 'lower'} options={directions} onChange={(next) => put({ higherIsBetter: next === 'higher' })} /><input className="txt unit" aria-label="Unit" maxLength={20} value={draft.unit} placeholder="unit" onChange={(e) => put({ unit: e.target.value })} /></div>
          <label className="row"><span className="k">Folder</span><input className="txt mono" spellCheck={false} autoComplete="off" maxLength={4096} value={draft.folder} placeholder="the engine’s own" onChange={(e) => put({ folder: e.target.value })} /></label>
          <div className="row"><span className="k">Time</span><span className="field">one run <NumberField label="Longest run" value={draft.timeoutSeconds} unit="s" min={1} max={3600} onChange={(v) => { if (v !== null) put({ timeoutSeconds: v }); }} /></span><span className="field">all of it <NumberField label="Time for all of it" value={Math.round(draft.budgetSeconds / 60 * 10) / 10} unit="min" min={0.1} max={120} onChange={(v) => { if (v !== null) put({ budgetSeconds: Math.max(5, Math.round(v * 60)) }); }} /></span></div>
          {problem !== null && <TroubleNote problem={problem} />}
        </div>
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" className="btn primary" disabled={busy || none || (tried && !usable)}>{busy ? 'Starting' : 'Measure'}</button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Switches that cannot come into a program that is started, with the reason; null: not known yet. */
function useDropped(toggles: readonly ChosenToggle[]): LaunchPlan['dropped'] | null {
  const { client } = useApp();
  const [dropped, setDropped] = useState<LaunchPlan['dropped'] | null>(null);
  const key = keyOfSet(toggles);
  useEffect(() => {
    let current = true;
    // Measuring asks again, and says what is wrong: a failure here hides nothing.
    client.optimize.planLaunch({ toggles: toggles.map((one) => ({ ...one })) }).then((plan) => { if (current) setDropped(plan.dropped); }, () => undefined);
    return () => {
      current = false;
    };
  }, [client, key]);
  return dropped;
}

/** What the engine finds in the sample; null: nothing is asked, or it has not answered yet. A pattern that takes for ever is ended there, not here. */
function usePatternCheck(pattern: string, sample: string): PatternCheck | null {
  const { client } = useApp();
  const [found, setFound] = useState<PatternCheck | null>(null);
  useEffect(() => {
    setFound(null);
    if (sample.trim() === '' || decidePatternFault(pattern) !== null) return;
    let current = true;
    const timer = setTimeout(() => {
      client.optimize.checkPattern({ pattern, text: sample }).then((answer) => { if (current) setFound(answer); }, (error: unknown) => { if (current) setFound({ fault: problemFrom(error).title, found: null, figure: null }); });
    }, PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [client, pattern, sample]);
  return found;
}
