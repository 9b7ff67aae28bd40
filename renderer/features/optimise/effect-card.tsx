import { memo, useEffect, useId, useState, type ReactNode } from 'react';
import { keyOfWorkload, titleOfCommand, type ChosenToggle, type CommandWorkload, type EffectCard, type ToggleState, type Workload } from '../../../contract/optimize.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Job } from '../../../contract/jobs.ts';
import { useApp, useOptimise } from '../../app/context.tsx';
import { useNow } from '../../app/use-now.ts';
import { valueOf } from '../../connection/remote.ts';
import type { ProgramDraft } from '../../stores/program-draft.ts';
import { Button } from '../../ui/button.tsx';
import { formatAge, formatDeviceName, formatDuration, formatWhole } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { Select } from '../../ui/select.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Tip } from '../../ui/tip.tsx';
import { decideEffect, decideValue, listEffects, listOwnPrograms, type CardView } from './effect-choice.ts';
import { EffectFacts } from './effect-facts.tsx';
import { decideSwitchOff, describeInterval, describeProvenance, describeResolution, describeState, resultWords, riskWords, verdictLook } from './effect-words.ts';
import { ProgramDialog } from './program-dialog.tsx';
import { takesProgram, toDraft } from './program-words.ts';
import { StripPlot } from './strip-plot.tsx';
import { Remedies } from './trouble-note.tsx';

export interface EffectCardProps {
  readonly state: ToggleState;
  readonly draft: readonly ChosenToggle[];
  readonly workloads: readonly Workload[];
  /** The job that measures it now. */
  readonly job: Job | null;
  onSwitch(toggleId: string, value: string | null): void;
  onMeasure(chosen: ChosenToggle, workload: string | null): void;
  /** Answers the Problem where it is refused. */
  onProgram(chosen: ChosenToggle, workload: CommandWorkload, budgetSeconds: number): Promise<Problem | null>;
  /** Of the environment that is looked at. */
  readonly prefix: string | null;
}

/** In the list of workloads; not a workload's name. */
const OWN = 'own program';

/** One switch: what it does here by measurement, beside what is said of it. */
export const EffectCardView = memo(function EffectCardView({ state, draft, workloads, job, onSwitch, onMeasure, onProgram, prefix }: EffectCardProps): ReactNode {
  const { toggle } = state;
  const { optimise: store } = useApp();
  const [view, setView] = useState<CardView>({ value: null, workload: null });
  const [asking, setAsking] = useState<{ readonly start: ProgramDraft | null } | null>(null);
  const offId = useId();
  const value = decideValue(state, view, draft);
  const effects = listEffects(state, value);
  const card = decideEffect(state, value, view);
  const running = job !== null || card?.verdict === null;
  const look = card === null ? null : verdictLook(card.verdict);
  const off = decideSwitchOff(state);
  const now = describeState(state, value);
  const verb = running ? 'Measuring' : card?.stale != null ? 'Measure again' : 'Measure';
  const risks = [resultWords[toggle.changesResults], riskWords[toggle.risk]].filter((w) => w !== null);
  const on = draft.some((t) => t.toggleId === toggle.id);
  const choices = toggle.workloads.flatMap((name) => workloads.find((w) => w.name === name) ?? []);
  const own = listOwnPrograms(effects);
  // A program that was cancelled before it left a card is no choice.
  const isThere = (key: string | null): boolean => choices.some((w) => w.name === key) || own.some((o) => o.key === key);
  const wanted = (isThere(view.workload) ? view.workload : null) ?? (card === null ? null : keyOfWorkload(card)) ?? choices[0]?.name ?? null;
  const measurable = choices.length > 0 && state.state !== 'unavailable';
  const chosen = { toggleId: toggle.id, value };
  const measure = (): void => {
    const mine = own.find((o) => o.key === wanted);
    if (mine === undefined) return onMeasure(chosen, wanted);
    setAsking({ start: mine.program === null ? null : toDraft(mine.program, store.getState().program) });
  };
  const offered = [
    ...choices.map((w) => ({ value: w.name, text: effects.some((e) => e.workload.name === w.name) ? w.title : `${w.title} (not measured)` })),
    ...own.map((o) => ({ value: o.key, text: `Own: ${plainText(o.title)}` })),
    ...(measurable && takesProgram(state) ? [{ value: OWN, text: 'Your own program…' }] : []),
  ];
  const choose = (next: string): void => { if (next === OWN) setAsking({ start: null }); else setView({ ...view, workload: next }); };
  const program = async (workload: CommandWorkload, budgetSeconds: number): Promise<Problem | null> => {
    const refused = await onProgram(chosen, workload, budgetSeconds);
    if (refused === null) setView({ value, workload: keyOfWorkload({ workload: { name: 'command', title: titleOfCommand(workload), engine: 'command', unit: workload.unit, higherIsBetter: workload.higherIsBetter }, program: workload }) });
    return refused;
  };
  return (
    <article className={`fx ${running ? 'run' : (look?.look ?? 'none')}`} aria-label={toggle.title} aria-busy={running}>
      <header>
        <Switch label={toggle.title} on={on} disabled={off !== null} {...(off === null ? {} : { describedBy: offId })} onChange={(next) => onSwitch(toggle.id, next ? value : null)} />
        <Tip text={<><b>{toggle.what}</b><br />{toggle.applied} {toggle.undone}{toggle.since !== null && <><br /><span className="q">Since {toggle.since}.</span></>}{toggle.needs.length > 0 && <><br /><span className="q">Needs {toggle.needs.join(', ')}.</span></>}</>}>
          {(tip) => <h2 tabIndex={0} {...tip}>{toggle.title}</h2>}
        </Tip>
        <span className="sp" />
        {now !== null && <span className="tag" title={now}><span className="trunc">{now}</span></span>}
        {card?.stale != null && <Tip text={`Measured before: ${plainText(card.stale)}.`}>{(tip) => <span className="tag dash" tabIndex={0} {...tip}>stale</span>}</Tip>}
        {measurable && <Button small disabled={running} onClick={measure} aria-label={`${verb}: ${toggle.title}`}>{verb}</Button>}
      </header>
      {off !== null && <p id={offId} className="what off">{plainText(off)}</p>}
      <Verdict state={state} card={card} running={running} measurable={measurable} named={offered.length <= 1} />
      {(toggle.values.length > 1 || offered.length > 1) && (
        <div className="on">
          {toggle.values.length > 1 && <Select label={`Value of ${toggle.title}`} value={value} options={toggle.values.map((v) => ({ value: v.id, text: v.title }))} onChange={(next) => { setView({ value: next, workload: null }); if (on) onSwitch(toggle.id, next); }} />}
          {offered.length > 1 && <Select label={`Workload for ${toggle.title}`} value={wanted ?? ''} options={offered} onChange={choose} />}
        </div>
      )}
      {card !== null && card.problem === null && <Pairs card={card} />}
      {card?.problem != null && (
        <div className="empty">
          <dl>
            <dt>What</dt><dd>{card.problem.title}.</dd>
            <dt>Why</dt><dd>{plainText(card.problem.cause)}</dd>
            <dt>Do</dt><dd>{plainText(card.problem.remedy)}<Remedies problem={card.problem} onRetry={measure} retryLabel="Measure again" /></dd>
            <dt>Code</dt><dd><span className="mono">{card.problem.code}</span>{card.problem.incident === null ? '' : ` · incident ${card.problem.incident}`}</dd>
          </dl>
        </div>
      )}
      {card !== null && card.verdict !== 'could_not_run' && <EffectFacts card={card} />}
      {card !== null && card.notes.length > 0 && <ul className="cardnotes">{card.notes.slice(0, 4).map((note) => <li key={note}>{plainText(note)}</li>)}</ul>}
      {(toggle.claim !== null || risks.length > 0) && (
        <div className="claim">
          {toggle.claim !== null && <><span className="k">People say</span><span className="m">{toggle.claim.said}</span><span className="k">In truth</span><span title={toggle.claim.source}>{toggle.claim.truth}</span></>}
          {risks.length > 0 && <><span className="k">Mind</span><span className="m">{risks.join('; ')}</span></>}
        </div>
      )}
      {(card !== null || job !== null) && <Provenance card={card} job={job} />}
      {asking !== null && <ProgramDialog what={toggle.values.length > 1 ? `${toggle.title}: ${toggle.values.find((v) => v.id === value)?.title ?? value}` : toggle.title} toggles={[chosen]} start={asking.start} prefix={prefix} onMeasure={program} onClose={() => setAsking(null)} />}
    </article>
  );
});

function Verdict({ state, card, running, measurable, named }: { readonly state: ToggleState; readonly card: EffectCard | null; readonly running: boolean; readonly measurable: boolean; readonly named: boolean }): ReactNode {
  if (card === null) {
    return (
      <>
        <p className="say q"><Icon name={running ? 'run' : 'ring'} /><span>{running ? 'measuring' : state.state === 'unavailable' ? 'does not exist here' : measurable ? 'not measured here' : 'cannot be measured here'}</span></p>
        <p className="what">{plainText(state.state === 'unavailable' ? (state.why ?? state.toggle.what) : state.toggle.what)}</p>
      </>
    );
  }
  const look = verdictLook(card.verdict);
  const interval = describeInterval(card);
  return (
    <>
      <p className="say"><Icon name={look.icon} /><span>{plainText(card.sentence)}{interval !== null && <> <span className="u" title="95 % interval">{interval}</span></>}</span></p>
      <p className="what">{named && `${plainText(card.workload.title)}, `}{plainText(formatDeviceName(card.place.name))}.{card.verdict === 'could_not_run' ? ' No effect is shown, because none was measured.' : card.verdict === 'no_effect' ? ' The interval crosses zero.' : card.verdict === null ? ' No verdict before it ends.' : ''}{card.verdict !== null && card.verdict !== 'could_not_run' && <span className="q"> {describeResolution(card.resolvesPercent)}</span>}</p>
    </>
  );
}

/** The pairs are read when the card is looked at, and again while it is measured. */
function Pairs({ card }: { readonly card: EffectCard }): ReactNode {
  const { optimise } = useApp();
  const detail = useOptimise((s) => s.details[card.id]);
  useEffect(() => {
    void optimise.getState().readDetail(card);
  }, [optimise, card]);
  const known = detail === undefined ? null : valueOf(detail);
  const pairs = known?.pairs ?? card.pairs;
  if (pairs.length > 0) return <StripPlot card={card} pairs={pairs} />;
  return <p className="plot waits">{detail?.state === 'failed' ? `The pairs could not be read: ${detail.problem.title}.` : card.verdict === null ? 'The first pair is under way.' : known === null ? 'Reading the pairs.' : 'The time was over before a pair was done: starting took too long. Allow more.'}</p>;
}

function Provenance({ card, job }: { readonly card: EffectCard | null; readonly job: Job | null }): ReactNode {
  const { jobs } = useApp();
  const nowMs = useNow(10_000);
  return (
    <div className="prov">
      <span className="trunc" title={card === null ? undefined : plainText(describeProvenance(card))}>{card === null ? '' : plainText(describeProvenance(card))}</span>
      <span className="sp" />
      {job === null ? card !== null && <span title={card.effectivePairs === null ? undefined : `${formatWhole(card.pairs.length)} pairs; the interval counts ${card.effectivePairs.toFixed(0)} because neighbours resemble each other.`}>{card.verdict === null ? 'under way' : formatAge(Math.max(0, (nowMs - card.atMs) / 1000))}</span> : (
        <>
          {job.progress !== null && <span className="bar accent" role="progressbar" aria-label={job.title} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(job.progress * 100)}><i style={{ width: `${job.progress * 100}%` }} /></span>}
          <span>{job.state === 'cancelling' ? 'is being cancelled' : job.secondsLeft === null ? (job.doing ?? 'under way') : `${formatDuration(job.secondsLeft)} left`}</span>
          <Button look="bare" small icon="x" label={`Cancel: ${job.title}`} disabled={job.state === 'cancelling'} onClick={() => void jobs.getState().cancel(job.id)} />
        </>
      )}
    </div>
  );
}
