import { useState, type ReactNode } from 'react';
import type { TuneResult, TuneWish } from '../../../contract/optimize.ts';
import { isUnderWay } from '../../../contract/jobs.ts';
import { useApp, useJobs, useMachine, useModels } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatDuration, formatFigures } from '../../ui/format.ts';
import { NumberField } from '../../ui/number-field.tsx';
import { Panel } from '../../ui/panel.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { Segmented } from '../../ui/segmented.tsx';
import { Select } from '../../ui/select.tsx';
import { StateMark, type StateKind } from '../../ui/state-mark.tsx';
import { NotReported } from '../../ui/value.tsx';
import { formatRatio } from './effect-words.ts';
import { TroubleNote } from './trouble-note.tsx';

type Candidate = TuneResult['candidates'][number];

const states: Readonly<Record<Candidate['state'], { readonly kind: StateKind; readonly word: string }>> = {
  waiting: { kind: 'pending', word: 'waits' },
  out: { kind: 'unknown', word: 'slower' },
  no_memory: { kind: 'attention', word: 'no memory' },
  failed: { kind: 'problem', word: 'failed' },
  finalist: { kind: 'pending', word: 'finalist' },
  winner: { kind: 'fine', word: 'fastest' },
};
const goals = [{ value: 'decode', text: 'Writing', title: 'Tokens one after the other' }, { value: 'prompt', text: 'Reading', title: 'A long prompt' }, { value: 'parallel', text: 'Several at once', title: 'Requests side by side' }] as const;

/** Winner and finalists first, then by how far they came, then by speed. Pure. */
export function orderCandidates(candidates: readonly Candidate[]): readonly Candidate[] {
  const rank = (c: Candidate): number => (c.state === 'winner' ? 2 : c.state === 'finalist' ? 1 : 0);
  return candidates.toSorted((x, y) => rank(y) - rank(x) || y.rung - x.rung || (y.value ?? -1) - (x.value ?? -1));
}

/** Rows shown before the rest is asked for. */
const ROWS = 12;

/** Finds the fastest engine settings for a model by measuring, and shows how. */
export function TunePanel({ place }: { readonly place: string | null }): ReactNode {
  const { machine, jobs: jobsStore } = useApp();
  const models = useModels((s) => valueOf(s.list)?.models) ?? [];
  const tunes = useMachine((s) => s.tunes);
  const job = useJobs((s) => (valueOf(s.jobs) ?? []).find((j) => j.kind === 'tune' && isUnderWay(j)) ?? null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [goal, setGoal] = useState<TuneWish['goal']>('decode');
  const [minutes, setMinutes] = useState(10);
  const [answers, setAnswers] = useState(false);
  const [busy, setBusy] = useState(false);
  const model = models.find((m) => m.id === chosen) ?? models[0] ?? null;
  const results = valueOf(tunes) ?? [];
  const start = async (): Promise<void> => {
    if (model === null) return;
    setBusy(true);
    await machine.getState().tune({ modelId: model.id, place, goal, budgetSeconds: Math.round(minutes * 60), allowAnswerChanging: answers });
    setBusy(false);
  };
  return (
    <Panel title="Tune" id="optimise-tune" sub="the fastest llama.cpp settings for a model, by measuring" className="optpanel tune">
      <form className="tuneform pad" onSubmit={(e) => { e.preventDefault(); void start(); }}>
        {model === null ? <p className="note">No model is on this machine yet. <a href="#/models">Get one</a>, then tune it.</p> : <Select label="Model" value={model.id} options={models.map((m) => ({ value: m.id, text: plainText(m.name) }))} onChange={setChosen} />}
        <Segmented label="What is made fast" value={goal} options={goals} onChange={(next) => setGoal(next)} />
        <span className="field">At most <NumberField label="Time" value={minutes} unit="min" min={1} max={240} onChange={(v) => { if (v !== null) setMinutes(v); }} /></span>
        <label><input type="checkbox" checked={answers} onChange={(e) => setAnswers(e.target.checked)} /> also settings that may change answers</label>
        <span className="sp" />
        {job === null ? <button type="submit" className="btn" disabled={model === null || busy}>Tune</button> : (
          <>
            <span className="q">{job.doing}{job.secondsLeft === null ? '' : `, ${formatDuration(job.secondsLeft)} left`}</span>
            <Button disabled={job.state === 'cancelling'} onClick={() => void jobsStore.getState().cancel(job.id)}>Cancel</Button>
          </>
        )}
      </form>
      {tunes.state === 'failed' && <TroubleNote problem={tunes.problem} />}
      {results[0] !== undefined && <Result result={results[0]} />}
      {results.length > 1 && <details className="unread pad"><summary>{results.length - 1} earlier</summary>{results.slice(1, 11).map((r) => <p key={r.id} className="note"><b>{plainText(r.modelName)}</b>, {plainText(r.place.name)}: {plainText(r.sentence)}</p>)}</details>}
    </Panel>
  );
}

function Result({ result }: { readonly result: TuneResult }): ReactNode {
  const [all, setAll] = useState(false);
  const ordered = orderCandidates(result.candidates);
  const shown = all || ordered.length <= ROWS + 2 ? ordered : ordered.slice(0, ROWS);
  const top = Math.max(1e-9, ...result.candidates.map((c) => c.high ?? c.value ?? 0));
  return (
    <>
      <div className="tunesay pad">
        <p className="say"><b>{plainText(result.modelName)}</b>: {plainText(result.sentence)}</p>
        {result.before !== null && result.after !== null && (
          <p className="beforeafter"><span className="lab">Before</span> <b>{formatFigures(result.before)}</b><span className="u">tok/s</span> → <span className="lab">after</span> <b>{formatFigures(result.after)}</b><span className="u">tok/s</span>{result.ratio !== null && <> <b>{formatRatio(result.ratio)}×</b>{result.low !== null && result.high !== null && <span className="u">[{formatRatio(result.low)}, {formatRatio(result.high)}]</span>}</>}{result.saved && <span className="tag">kept for this model</span>}</p>
        )}
        {result.notes.map((note) => <p key={note} className="note">{plainText(note)}</p>)}
      </div>
      {result.problem !== null && <TroubleNote problem={result.problem} />}
      {shown.length > 0 && (
        <div className="scrollx">
          <table className="tbl tunes" aria-label={`Candidates for ${plainText(result.modelName)}`}>
            <thead><tr><th scope="col">Settings</th><th scope="col" className="num t-rung">Rung</th><th scope="col" className="num t-val">Speed</th><th scope="col" className="t-bar"><span className="sr">Against the fastest</span></th><th scope="col" className="num t-runs">Runs</th><th scope="col" className="t-state">State</th></tr></thead>
            <tbody>
              {shown.map((c, i) => (
                <tr key={`${c.words} ${String(i)}`} aria-selected={c.state === 'winner'}>
                  <th scope="row" title={c.words}>{plainText(c.words)}{c.changesAnswers && <span className="tag">may change answers</span>}</th>
                  <td className="num">{c.rung}</td>
                  <td className="num" title={c.low === null || c.high === null ? undefined : `95 % interval ${formatFigures(c.low)} to ${formatFigures(c.high)} tok/s`}>{c.value === null ? c.state === 'waiting' ? '' : <NotReported reason={c.why ?? 'It did not come to a figure.'} /> : <>{formatFigures(c.value)}<span className="u">tok/s</span></>}</td>
                  <td className="t-bar" aria-hidden="true">{c.value !== null && <span className={`bar${c.state === 'winner' ? ' accent' : ''}`}><i style={{ width: `${(c.value / top) * 100}%` }} />{c.low !== null && c.high !== null && <em style={{ left: `${(c.low / top) * 100}%`, width: `${Math.max(0.5, ((c.high - c.low) / top) * 100)}%` }} />}</span>}</td>
                  <td className="num">{c.runs}</td>
                  <td title={c.why ?? undefined}><StateMark kind={states[c.state].kind}>{states[c.state].word}</StateMark></td>
                </tr>
              ))}
            </tbody>
          </table>
          {shown.length < ordered.length && <button type="button" className="linklike pad" onClick={() => setAll(true)}>Show {ordered.length - shown.length} more</button>}
        </div>
      )}
    </>
  );
}
