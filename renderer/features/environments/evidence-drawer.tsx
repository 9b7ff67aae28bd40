import { useEffect, useRef, type ReactNode } from 'react';
import { isUnderWay } from '../../../contract/jobs.ts';
import type { EnvironmentReport, GpuTarget } from '../../../contract/verdict.ts';
import { useApp, useEnvironments, useGpuStore, useJobs, useUpgrades } from '../../app/context.tsx';
import { hrefOf } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes, formatDeviceName, formatFigures, formatWhole } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { shortNames } from '../../ui/short-names.ts';
import { Value } from '../../ui/value.tsx';
import { AdviceSection } from './advice-section.tsx';
import { ArchitectureSection } from './architecture-section.tsx';
import { CompanionSection, PinSection, ProofSection, UseSection } from './drawer-sections.tsx';
import { EvidenceSection } from './evidence-section.tsx';
import { RuntimeSection } from './runtime-section.tsx';
import { decideHeadline, orderCells, shortPath } from './verdict-words.ts';

/** What a verdict stands on: every fact with the place where it was read, and what can be done. */
export function EvidenceDrawer({ takeFocus, onClose }: { readonly takeFocus: boolean; onClose(): void }): ReactNode {
  const open = useEnvironments((s) => s.open);
  const report = useEnvironments((s) => s.report);
  const targets = useEnvironments((s) => valueOf(s.whatIf === null ? s.matrix : s.judged)?.targets) ?? [];
  const known = valueOf(report);
  const title = known === null ? 'Evidence' : plainText(known.environment.name);
  const box = useRef<HTMLElement>(null);
  const id = open?.id ?? null;
  const gpuKey = open?.gpuKey ?? null;
  useEffect(() => {
    if (box.current) box.current.scrollTop = 0;
    // Opened from the keyboard: the next Tab is Repair, and Escape goes back.
    if (takeFocus) box.current?.focus();
  }, [takeFocus, id, gpuKey]);
  return (
    <aside ref={box} className="drawer" tabIndex={-1} aria-label={`Evidence: ${title}`} aria-busy={report.state === 'loading'}>
      {known === null ? (
        <header>
          <Title text={report.state === 'failed' ? 'Not read' : 'Reading …'} onClose={onClose} />
          {report.state === 'failed' && <ProblemNote problem={report.problem} />}
        </header>
      ) : (
        <Evidence report={known} targets={targets} gpuKey={gpuKey} onClose={onClose} />
      )}
    </aside>
  );
}

function Title({ text, onClose }: { readonly text: string; onClose(): void }): ReactNode {
  return (
    <div className="dtitle">
      <h2>{text}</h2>
      <Button look="bare" small icon="x" label="Close" onClick={onClose} />
    </div>
  );
}

function Evidence({ report, targets, gpuKey, onClose }: { readonly report: EnvironmentReport; readonly targets: readonly GpuTarget[]; readonly gpuKey: string | null; onClose(): void }): ReactNode {
  const { environment, xray, cells } = report;
  const cell = cells.find((c) => c.gpuKey === gpuKey) ?? orderCells(cells)[0] ?? null;
  const target = targets.find((t) => t.key === cell?.gpuKey) ?? null;
  const say = (text: string): string => plainText(shortNames(text, targets.map((t) => t.name)));
  return (
    <>
      <header>
        <Title text={decideHeadline({ name: plainText(environment.name), cell, gpu: target === null ? null : plainText(formatDeviceName(target.name)) })} onClose={onClose} />
        {cell !== null && <p className="note say">{cell.problem === null ? sentence(say(cell.text)) : `${say(cell.problem.cause)} ${say(cell.problem.remedy)}`}</p>}
        {cell?.forecast && <p className="note say"><Icon name="warn" small className="attention" /> {say(cell.forecast.text)} <span className="q">{cell.forecast.place}</span></p>}
        <Actions report={report} />
      </header>
      {report.findings.length > 0 && <section className="found" aria-label="Findings">{report.findings.map((f, i) => <ProblemNote key={`${f.code} ${i}`} problem={f} />)}</section>}
      {xray?.torch && <ArchitectureSection torch={xray.torch} cells={cells} targets={targets} shown={cell} />}
      {xray?.torch && target !== null && cell !== null && <RuntimeSection torch={xray.torch} target={target} verdict={cell.verdict} />}
      {cell !== null && <EvidenceSection facts={cell.evidence} environment={environment} say={say} />}
      <CompanionSection companions={report.companions} say={say} />
      <ProofSection proofs={report.proofs} />
      <PinSection pins={xray?.pins ?? []} environment={environment} />
      <UseSection users={report.usedBy} />
      <AdviceSection say={say} />
      <section className="last">
        <h3>Environment</h3>
        <dl className="kv">
          <dt>Folder</dt><dd className="wraps">{plainText(environment.prefix)}</dd>
          <dt>Kind</dt><dd>{environment.kind.replace('_', ' ')}{environment.tool === null ? '' : `, changed with ${environment.tool}`}</dd>
          <dt>Python</dt><dd className="wraps">{environment.python.version ?? '—'}{environment.python.path === null ? '' : <span className="q"> {plainText(shortPath(environment.python.path))}</span>}</dd>
          <dt>Found by</dt><dd>{environment.foundBy.map(plainText).join(', ')}</dd>
          {xray !== null && <><dt>Packages</dt><dd>{formatWhole(xray.packages.length)}{xray.record === null ? '' : `; ${formatWhole(xray.record.files)} recorded files compared in ${formatFigures(xray.record.tookMs / 1000)} s`}</dd></>}
          {xray !== null && <><dt>Read</dt><dd><Value of={formatBytes(xray.bytesRead)} /> in {formatFigures(xray.tookMs / 1000)} s; nothing of it was run</dd></>}
        </dl>
      </section>
    </>
  );
}

/** Repair, and proving by kernels. */
function Actions({ report }: { readonly report: EnvironmentReport }): ReactNode {
  const { environments: store, jobs: jobsStore } = useApp();
  const whatIf = useEnvironments((s) => s.whatIf);
  // Kernels run on hardware: not on a recording, and not on GPUs that are only named.
  const hardware = useGpuStore((s) => { const inventory = valueOf(s.inventory); return inventory !== null && (inventory.source === 'nvml' || inventory.source === 'smi') && inventory.devices.length > 0; });
  const running = useJobs((s) => (valueOf(s.jobs) ?? []).some((j) => j.kind === 'prove' && isUnderWay(j) && j.title === report.environment.name));
  const busy = useUpgrades((s) => (valueOf(s.list) ?? []).find((u) => u.environmentId === report.environment.id && u.state === 'running') ?? null);
  const { environment, xray, cells } = report;
  if (busy !== null) return <div className="acts"><a className="btn primary" href={`${hrefOf('environments', environment.id)}?do=${busy.kind === 'upgrade' ? 'repair' : 'undo'}`}>Open the {busy.kind === 'upgrade' ? 'repair' : 'undoing'}</a><span className="sub">It is being changed now.</span></div>;
  const repairable = cells.some((c) => c.repairable) || report.findings.some((f) => f.severity === 'problem');
  const provable = xray?.torch != null && whatIf === null && hardware;
  if (!repairable && !provable) return null;
  const query = whatIf === null ? '' : `&for=${encodeURIComponent(whatIf.gpus.join(','))}${whatIf.driver === null ? '' : `&driver=${encodeURIComponent(whatIf.driver)}`}`;
  const prove = async (): Promise<void> => {
    const job = await store.getState().prove(environment.id, null);
    if (job !== null) jobsStore.getState().open(job.id);
  };
  return (
    <div className="acts">
      {repairable && <a className="btn primary" href={`${hrefOf('environments', environment.id)}?do=repair${query}`}>Repair</a>}
      {provable && <Button disabled={running} onClick={() => void prove()}>{running ? 'Proving' : 'Prove'}</Button>}
      {provable && <span className="sub">Prove runs kernels on each GPU</span>}
    </div>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.…]$/.test(text) ? '' : '.'}`;
