import './optimise.css';
import type { ChosenToggle, CommandWorkload } from '../../../contract/optimize.ts';
import type { Problem } from '../../../contract/problem.ts';
import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useApp, useGpuStore, useJobs, useOptimise, useRegisterIntents } from '../../app/context.tsx';
import type { Intent } from '../../app/intents.ts';
import { goTo } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { keyOfSet, type OptimiseSubject } from '../../stores/optimise-store.ts';
import type { ProgramDraft } from '../../stores/program-draft.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatDeviceName } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { AppliedPanel } from './applied-panel.tsx';
import { ApplyDialog } from './apply-dialog.tsx';
import { DevicePanel } from './device-panel.tsx';
import { EffectCardView } from './effect-card.tsx';
import { decideDraft, decideEffect, decideQueue, decideShown, decideValue, findMeasureJob, findSetCard, QUEUE_BUDGET_SECONDS, withToggle } from './effect-choice.ts';
import { decideSwitchOff } from './effect-words.ts';
import { HealthStrip } from './health-strip.tsx';
import { NotHere } from './not-here.tsx';
import { OptimiseHead } from './optimise-head.tsx';
import { ProgramDialog } from './program-dialog.tsx';
import { toDraft } from './program-words.ts';
import { ProfileTools } from './profile-tools.tsx';
import { SetSummary } from './set-summary.tsx';
import { TroubleNote } from './trouble-note.tsx';
import { TunePanel } from './tune-panel.tsx';
import { WhySlow } from './why-slow.tsx';

/** One and the same, so that nothing changes while nothing has come. */
const none: readonly never[] = [];

/** Parts of the page that have an address of their own. */
const parts: Readonly<Record<string, string>> = { tune: 'optimise-tune', slow: 'optimise-slow', gpu: 'optimise-device', applied: 'optimise-applied' };

/** Every switch with what it really does on this machine, sets of them, applying and undoing, the GPU's own settings. */
export function OptimisePage({ section }: { readonly section: string | null }): ReactNode {
  const { optimise: store, machine, intents } = useApp();
  const remote = useOptimise((s) => s.overview);
  const profiles = useOptimise((s) => valueOf(s.profiles)) ?? none;
  const workloads = useOptimise((s) => valueOf(s.workloads)) ?? none;
  const sets = useOptimise((s) => valueOf(s.sets)) ?? none;
  const profileId = useOptimise((s) => s.profileId);
  const drafts = useOptimise((s) => s.drafts);
  const started = useOptimise((s) => s.started);
  const problem = useOptimise((s) => s.problem);
  const jobs = useJobs((s) => valueOf(s.jobs)) ?? none;
  const selection = useGpuStore((s) => s.selection);
  const [own, setOwn] = useState<OptimiseSubject>(() => store.getState().subject);
  const [applying, setApplying] = useState(false);
  const [asking, setAsking] = useState<{ readonly start: ProgramDraft | null } | null>(null);
  // One selected GPU filters every page.
  const selected = selection.length === 1 ? (selection[0] ?? null) : null;
  const subject = useMemo(() => ({ environmentId: own.environmentId, place: selected ?? own.place }), [own, selected]);
  const overview = valueOf(remote);
  const known = overview !== null;
  const place = overview?.place ?? null;
  useEffect(() => {
    store.getState().enter(subject);
    return () => store.getState().leave();
  }, [store, subject]);
  const environmentId = overview?.environment?.id ?? null;
  const placeKey = place?.key ?? null;
  useEffect(() => {
    if (placeKey !== null) void machine.getState().look({ environmentId, place: placeKey }, placeKey === 'cpu' ? null : placeKey);
  }, [machine, environmentId, placeKey]);
  useEffect(() => {
    if (section !== null && known) document.getElementById(parts[section] ?? '')?.scrollIntoView({ block: 'start' });
    // Once the page has its height, not at each reading.
  }, [section, known]);

  const profile = profiles.find((p) => p.id === profileId) ?? null;
  const states = overview?.states ?? none;
  const shown = useMemo(() => decideShown(states, profile), [states, profile]);
  const draft = useMemo(() => decideDraft(states, profile, drafts[profile?.id ?? '']), [states, profile, drafts]);
  const queue = useMemo(() => decideQueue(shown.here, workloads, draft), [shown, workloads, draft]);
  const total = useMemo(() => (overview === null ? null : findSetCard(overview, [...sets, ...profiles.flatMap((p) => p.effects)], draft)), [overview, sets, profiles, draft]);
  const totalJob = findMeasureJob(jobs, total, started[keyOfSet(draft)]);
  const applicable = draft.filter((t) => states.some((s) => s.toggle.id === t.toggleId && decideSwitchOff(s) === null));
  const whyNotApply = overview === null ? 'Nothing is read yet.' : overview.environment === null ? 'There is no environment to apply to.' : applicable.length === 0 ? 'No switch is on.' : null;
  const onSwitch = useCallback((toggleId: string, value: string | null) => store.getState().setDraft(profile?.id ?? null, withToggle(draft, toggleId, value)), [store, profile, draft]);
  const onMeasure = useCallback((chosen: { readonly toggleId: string; readonly value: string }, workload: string | null) => void store.getState().measure({ toggles: [{ ...chosen }], workload }), [store]);
  const measureAll = useCallback(() => void store.getState().measureAll(queue.map((one) => ({ toggles: [one], budgetSeconds: QUEUE_BUDGET_SECONDS }))), [store, queue]);
  const profileOf = profile !== null && keyOfSet(profile.toggles) === keyOfSet(draft) ? profile.id : null;
  const measureSet = (): void => {
    if (total?.workload.engine === 'command') setAsking({ start: total.program === null ? null : toDraft(total.program, store.getState().program) });
    else void store.getState().measure({ toggles: [...draft], profileId: profileOf, ...(total === null ? {} : { workload: total.workload.name }) });
  };
  const measureProgram = useCallback(async (toggles: readonly ChosenToggle[], workload: CommandWorkload, budgetSeconds: number, profileId: string | null): Promise<Problem | null> => {
    if ((await store.getState().measure({ toggles: [...toggles], workload, budgetSeconds, profileId })) !== null) return null;
    const refused = store.getState().problem;
    store.getState().dismiss();
    return refused;
  }, [store]);
  const onProgram = useCallback((chosen: ChosenToggle, workload: CommandWorkload, budgetSeconds: number) => measureProgram([chosen], workload, budgetSeconds, null), [measureProgram]);
  const offered = useMemo((): readonly Intent[] => [
    { id: 'optimise.measureAll', title: 'Measure all switches', group: 'do', icon: 'opt', detail: 'what has no answer yet, one after the other', words: 'benchmark effect toggle', guard: () => (store.getState().queue !== null ? 'it is under way' : queue.length === 0 ? 'all have an answer' : null), perform: measureAll },
    { id: 'optimise.apply', title: 'Apply switches…', group: 'do', icon: 'opt', detail: 'shows the plan first', words: 'snippet hook environment variables', guard: () => whyNotApply, perform: () => setApplying(true) },
  ], [store, queue, measureAll, whyNotApply]);
  useRegisterIntents(offered);
  const environment = overview?.environment ?? null;
  return (
    <div className="page optimise">
      <OptimiseHead subject={subject} profiles={profiles} queueLength={overview === null ? 0 : queue.length} applicable={applicable.length} whyNotApply={whyNotApply} onSubject={(next) => { setOwn(next); if (selected !== null && next.place !== selected) intents.run('selection.clear'); }} onMeasureAll={measureAll} onApply={() => setApplying(true)} />
      {problem !== null && <TroubleNote problem={problem} onDismiss={() => store.getState().dismiss()} />}
      {remote.state === 'failed' && <TroubleNote problem={remote.problem} onRetry={() => void store.getState().refresh()} />}
      {remote.state === 'stale' && <TroubleNote problem={remote.problem} onRetry={() => void store.getState().refresh()} retryLabel="Read again" />}
      {remote.state === 'loading' && <p className="empty-list" role="status">Reading the environment and what was measured.</p>}
      {overview !== null && (
        <>
          <HealthStrip />
          {overview.problems.filter((p) => environment !== null || p.code !== 'bench.no_torch').map((p, i) => <TroubleNote key={`${p.code} ${String(i)}`} problem={p} />)}
          {environment === null && <p className="callout below"><b>{plainText(overview.problems.find((p) => p.code === 'bench.no_torch')?.cause ?? 'No environment with PyTorch was found.')}</b>{states.some((s) => s.state !== 'unavailable') ? ' What does not need it can still be measured.' : ''} <a href="#/environments">Environments</a> says why, and where to add one.</p>}
          <SetSummary draft={draft} total={total} shown={shown.here.map((s) => decideEffect(s, decideValue(s, undefined, draft), undefined))} job={totalJob} tools={<><ProfileTools profile={profile} draft={draft} />{draft.length > 0 && <Button small look="bare" disabled={totalJob !== null} onClick={() => setAsking({ start: null })}>With your own program…</Button>}</>} onMeasure={measureSet} />
          {profile !== null && <p className="note profwhat">{plainText(profile.what)}</p>}
          <section className="effects" aria-label="Switches">
            {shown.here.map((s) => {
              const value = decideValue(s, undefined, draft);
              const live = s.effects.find((card) => card.verdict === null) ?? null;
              const startedId = s.toggle.values.map((v) => started[keyOfSet([{ toggleId: s.toggle.id, value: v.id }])]).find((id) => jobs.some((j) => j.id === id && j.endedAtMs === null)) ?? started[keyOfSet([{ toggleId: s.toggle.id, value }])];
              return <EffectCardView key={s.toggle.id} state={s} draft={draft} workloads={workloads} job={live === null && startedId === undefined ? null : findMeasureJob(jobs, live, startedId)} onSwitch={onSwitch} onMeasure={onMeasure} onProgram={onProgram} prefix={environment?.prefix ?? null} />;
            })}
          </section>
          {shown.here.length === 0 && <p className="empty-list">{profile === null ? 'No switch can be used here yet: the list below says what each of them needs.' : 'No switch of this profile can be used here.'}</p>}
          <NotHere absent={shown.absent} refusals={profile === null ? overview.refusals : none} />
          <div className="optpanels">
            <div className="column">
              <AppliedPanel toggles={states.map((s) => s.toggle)} />
              <WhySlow place={placeKey} name={plainText(formatDeviceName(place?.name ?? 'this machine'))} />
            </div>
            {place !== null && place.key !== 'cpu' && <DevicePanel uuid={place.key} name={plainText(formatDeviceName(place.name))} />}
            <TunePanel place={placeKey} />
          </div>
        </>
      )}
      {asking !== null && draft.length > 0 && <ProgramDialog what={formatCount(draft.length, 'switch', 'switches')} toggles={draft} start={asking.start} prefix={environment?.prefix ?? null} onMeasure={(workload, budget) => measureProgram(draft, workload, budget, profileOf)} onClose={() => setAsking(null)} />}
      {applying && environment !== null && <ApplyDialog task={{ kind: 'apply', environmentId: environment.id, environmentName: environment.name, toggles: applicable, known: states.map((s) => s.toggle).filter((t) => applicable.some((c) => c.toggleId === t.id)) }} onClose={() => { setApplying(false); if (section !== null) goTo('optimise'); }} />}
    </div>
  );
}
