import './repair.css';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { UpgradePlan } from '../../../contract/upgrades.ts';
import { useApp, useEnvironments, useJobs, useUpgrades } from '../../app/context.tsx';
import { goTo, hrefOf, useRoute } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { shortNames } from '../../ui/short-names.ts';
import { PlanView } from './plan-view.tsx';
import { ProgressView } from './progress-view.tsx';
import { decideResult, decideSmokeCommand, decideStep, decideSteps, findUpgrade, type RepairKind } from './repair-steps.ts';
import { RouteTabs } from './route-tabs.tsx';

/** Plan, snapshot, install, verify: one page that can be left and found again, because its state is the engine's. */
export function RepairPage({ environmentId, what }: { readonly environmentId: string; readonly what: RepairKind }): ReactNode {
  const { environments, upgrades: store, jobs: jobsStore, shell } = useApp();
  const { query } = useRoute();
  const row = useEnvironments((s) => valueOf(s.matrix)?.rows.find((r) => r.id === environmentId) ?? null);
  const platform = useEnvironments((s) => valueOf(s.matrix)?.driver.platform ?? null);
  const advice = useEnvironments((s) => valueOf(s.advice));
  const plan = useUpgrades((s) => s.plan);
  const problem = useUpgrades((s) => s.problem);
  const upgrades = useUpgrades((s) => valueOf(s.list)) ?? [];
  // In the address, so that a reload finds the change that was started here even when it has ended.
  const [jobId, setJobId] = useState<string | null>(query.get('job'));
  const upgrade = findUpgrade(upgrades, environmentId, jobId);
  const job = useJobs((s) => (valueOf(s.jobs) ?? []).find((j) => j.id === (upgrade?.jobId ?? jobId)) ?? null);
  const step = decideStep(upgrade, job);
  const gpuText = query.get('for') ?? '';
  const driver = query.get('driver');
  const undone = query.get('upgrade');
  const wanted = query.get('to');
  const planning = step === 'plan';
  const gpus = gpuText.split(',').filter((g) => g !== '');
  useEffect(() => {
    // A change that runs, or that was started here, is looked at; nothing is planned beside it.
    if (!planning) return;
    if (what === 'undo') void store.getState().planUndo(environmentId, undone);
    else {
      void store.getState().makePlan({ environmentId, target: wanted, route: null, gpus: gpuText.split(',').filter((g) => g !== ''), driver });
      void environments.getState().show(environmentId, null);
    }
    return () => store.getState().dropPlan();
  }, [store, environments, environmentId, what, undone, wanted, gpuText, driver, planning]);
  // A change that was found running is this page's from now on, also when it ends.
  const runningJob = upgrade?.state === 'running' ? upgrade.jobId : null;
  useEffect(() => { if (runningJob !== null) setJobId(runningJob); }, [runningJob]);
  useEffect(() => {
    if (jobId === null || query.get('job') === jobId) return;
    const kept = new URLSearchParams(query);
    kept.set('job', jobId);
    history.replaceState(null, '', `${hrefOf('environments', environmentId)}?${kept.toString()}`);
  }, [jobId, environmentId, query]);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => { heading.current?.focus(); }, [what]);

  const deviceNames = useEnvironments((s) => valueOf(s.matrix)?.targets) ?? [];
  const say = (text: string): string => plainText(shortNames(text, [...deviceNames, ...(advice?.targets ?? [])].map((t) => t.name)));
  const ready = plan.state === 'ready' ? plan.value : null;
  const name = plainText(ready?.environmentName ?? row?.name ?? upgrade?.environmentName ?? environmentId);
  const apply = async (options: { readonly agree: boolean; readonly smoke: string }): Promise<void> => {
    const started = await store.getState().apply({ agree: options.agree, smokeCommand: decideSmokeCommand(options.smoke, platform) });
    if (started === null) return;
    setJobId(started.id);
  };
  const cancel = async (): Promise<void> => {
    if (job === null) return;
    const yes = await shell.confirm({ title: `Cancel the change of ${name}`, detail: 'What was installed so far is taken back and the old state is put back.', confirmLabel: 'Cancel and put back' });
    if (yes) await jobsStore.getState().cancel(job.id);
  };
  const result = step === 'done' ? decideResult(name, upgrade, job) : null;
  return (
    <div className="page repair">
      <div className="head">
        <h1 ref={heading} tabIndex={-1}>{what === 'undo' ? 'Undo a change of' : 'Repair'} {name}</h1>
        <span className="sub">{row?.torch == null ? '' : `torch ${plainText(row.torch)} now`}</span>
        <span className="sp" />
        <a className="btn bare" href={hrefOf('environments', environmentId)}>{step === 'plan' || step === 'done' ? 'Back' : 'Leave, keep the job'}</a>
      </div>
      <ol className="steps" aria-label="Steps">
        {decideSteps(what, upgrade, job).map((s, i) => (
          <li key={s.step} className={s.state} aria-current={s.state === 'now' ? 'step' : undefined}>
            <span className="n">{s.state === 'done' ? <Icon name="ok" small label="done" /> : s.state === 'failed' ? <Icon name="x" small label="failed" /> : i + 1}</span>
            <span className="t">{s.title}</span>
            <span className="q trunc hint">{s.hint}</span>
          </li>
        ))}
      </ol>
      {problem && <ProblemNote problem={problem} />}
      {planning ? (
        <section className="body" aria-label="Plan">
          {what === 'repair' && advice !== null && advice.environmentId === environmentId && <RouteTabs routes={advice.routes} chosen={ready?.route?.id ?? null} busy={plan.state === 'loading'} onChoose={(route) => void store.getState().makePlan({ environmentId, target: null, route, gpus, driver })} />}
          {plan.state === 'loading' && <p className="resolving" role="status"><Icon name="run" small /> Resolving. Nothing is changed yet.</p>}
          {plan.state === 'failed' && (
            <>
              <ProblemNote problem={plan.problem} />
              <div className="wfoot"><span className="sp" /><a className="btn primary" href={hrefOf('environments', environmentId)}>Back</a></div>
            </>
          )}
          {ready && <PlanView plan={ready} say={say} />}
          {ready && <PlanFoot key={ready.planId} plan={ready} what={what} name={name} onApply={apply} />}
        </section>
      ) : (
        <section className="body" aria-label={result === null ? 'Progress' : 'Result'}>
          {result !== null && <p className={`callout result ${result.kind}`} role="status"><Icon name={result.kind === 'fine' ? 'ok' : result.kind === 'attention' ? 'warn' : 'bad'} small className={result.kind} /> <b>{result.said}</b> {result.more}</p>}
          <ProgressView upgrade={upgrade} job={job} />
          <div className="wfoot">
            <span className="note">{result === null ? 'You can leave this page; the job stays in the bottom strip.' : upgrade?.state === 'committed' && upgrade.canUndo ? 'Undo puts the old state back, also without a network.' : ''}</span>
            <span className="sp" />
            {result === null && <Button disabled={job === null || job.state === 'cancelling'} onClick={() => void cancel()}>Cancel and put back</Button>}
            {result !== null && upgrade?.canUndo && <a className="btn" href={`${hrefOf('environments', environmentId)}?do=undo&upgrade=${encodeURIComponent(upgrade.id)}`}>Undo</a>}
            {result !== null && <Button look="primary" onClick={() => goTo('environments', environmentId)}>Done</Button>}
          </div>
        </section>
      )}
    </div>
  );
}

interface PlanFootProps {
  readonly plan: UpgradePlan;
  readonly what: RepairKind;
  readonly name: string;
  onApply(options: { readonly agree: boolean; readonly smoke: string }): Promise<void>;
}

/** What must be agreed to, a check of the user's own, and the one button. */
function PlanFoot({ plan, what, name, onApply }: PlanFootProps): ReactNode {
  const [smoke, setSmoke] = useState('');
  const [agreed, setAgreed] = useState(false);
  const [sent, setSent] = useState(false);
  const against = plan.problems.filter((p) => p.severity === 'problem');
  const toAgree = plan.problems.filter((p) => p.severity === 'attention');
  const nothing = plan.changes.length === 0;
  const send = async (): Promise<void> => {
    setSent(true);
    await onApply({ agree: agreed || toAgree.length === 0, smoke });
    setSent(false);
  };
  return (
    <div className="wfoot">
      {against.length > 0 ? (
        <span className="note">{against[0]?.title}: this plan cannot be applied.</span>
      ) : nothing ? (
        <span className="note">There is nothing to change.</span>
      ) : toAgree.length > 0 ? (
        <label className="agree"><input type="checkbox" checked={agreed} onChange={(e) => setAgreed(e.target.checked)} /> I have read it: {toAgree.map((p) => p.title.charAt(0).toLowerCase() + p.title.slice(1)).join(', ')}</label>
      ) : (
        <span className="note">Nothing is changed before the snapshot is made.</span>
      )}
      <span className="sp" />
      {what === 'repair' && against.length === 0 && (
        <label className="smoke" title="It runs with this environment first in PATH. If it fails, the old state is put back."><span className="q">Must also succeed</span> <input className="txt" placeholder="python my_test.py" spellCheck={false} value={smoke} maxLength={4000} onChange={(e) => setSmoke(e.target.value)} aria-label="A command of your own that must succeed afterwards" /></label>
      )}
      <Button look="primary" disabled={sent || nothing || against.length > 0 || (toAgree.length > 0 && !agreed)} onClick={() => void send()}>{what === 'undo' ? `Undo the change of ${name}` : `Repair ${name}`}</Button>
    </div>
  );
}
