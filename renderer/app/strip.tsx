import type { ReactNode } from 'react';
import type { Inventory } from '../../contract/gpu.ts';
import { isUnderWay, type Job } from '../../contract/jobs.ts';
import type { EngineStatus } from '../../contract/system.ts';
import type { ConnectionState } from '../connection/connect.ts';
import { valueOf } from '../connection/remote.ts';
import { Button } from '../ui/button.tsx';
import { formatDuration, formatFigures, formatShare } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { StateMark, type StateKind } from '../ui/state-mark.tsx';
import { useApp, useConnection, useEngine, useGpuStore, useJobs } from './context.tsx';

/** Jobs that the strip shows by name; the others are counted. */
const SHOWN_JOBS = 2;

/** The engine's state in a word, and what it does in figures. Pure. */
export function decideEngineWords(connection: ConnectionState['state'], status: Pick<EngineStatus, 'cpuPercent' | 'workers'> | null, inventory: Pick<Inventory, 'source' | 'rateHz' | 'state'> | null): { readonly kind: StateKind; readonly word: string; readonly rate: string | null; readonly load: string | null } {
  if (connection === 'lost' || connection === 'unauthorised') return { kind: 'problem', word: 'Engine does not answer', rate: null, load: null };
  if (connection === 'connecting') return { kind: 'pending', word: 'Connecting', rate: null, load: null };
  const failed = status?.workers.find((w) => w.state === 'failed' || w.state === 'unresponsive' || w.state === 'backoff');
  const verbs: Partial<Record<Inventory['source'], string>> = { simulate: 'simulates ', replay: 'replays ' };
  return {
    kind: failed ? (failed.state === 'failed' ? 'problem' : 'attention') : 'fine',
    word: failed ? `Engine, ${failed.name} worker ${failed.state === 'unresponsive' ? 'hangs' : failed.state === 'failed' ? 'failed' : 'restarts'}` : 'Engine',
    rate: inventory === null || inventory.state !== 'ok' ? null : `${verbs[inventory.source] ?? ''}${Number(inventory.rateHz.toFixed(1))}`,
    load: status === null ? null : formatFigures(status.cpuPercent).replace(/(\.\d)\d$/, '$1'),
  };
}

/** Driver and CUDA, or that there is none. Pure. */
export function decideDriverWords(inventory: Pick<Inventory, 'source' | 'driver'>): string {
  const { driverVersion, cudaVersion } = inventory.driver;
  if (inventory.source === 'simulate') return 'simulated, no driver is used';
  if (driverVersion === null) return 'no NVIDIA driver';
  return `${inventory.source === 'replay' ? 'recorded with ' : ''}driver ${driverVersion}${cudaVersion === null ? '' : ` · CUDA ${cudaVersion}`}`;
}

/** Engine, jobs, driver: what goes on, always in the same place. */
export function Strip(): ReactNode {
  const app = useApp();
  const connection = useConnection((s) => s.state);
  const status = useEngine((s) => valueOf(s.status));
  const inventory = useGpuStore((s) => valueOf(s.inventory));
  const active = (useJobs((s) => valueOf(s.jobs)) ?? []).filter(isUnderWay);
  const words = decideEngineWords(connection, status, inventory);
  return (
    <footer className="strip" aria-label="State">
      <span>
        <StateMark kind={words.kind}>{words.word}</StateMark>
        {words.rate !== null && (
          <span className="q hide-s" title={inventory?.rateNote ?? undefined}>
            {words.rate}
            <span className="u">Hz</span>
            {words.load !== null && (
              <>
                {' · '}
                {words.load}
                <span className="u">% of one core</span>
              </>
            )}
          </span>
        )}
      </span>
      {inventory?.state === 'problem' && (
        <span>
          <StateMark kind="problem">{inventory.devices.length === 0 ? 'No driver' : 'Driver does not answer'}</StateMark>
        </span>
      )}
      {active.slice(0, SHOWN_JOBS).map((job) => (
        <JobEntry key={job.id} job={job} />
      ))}
      {active.length > SHOWN_JOBS && (
        <button type="button" className="job" onClick={() => app.jobs.getState().open(null)}>
          {active.length - SHOWN_JOBS} more jobs
        </button>
      )}
      <span className="end hide-s">{inventory && decideDriverWords(inventory)}</span>
    </footer>
  );
}

const kinds: Readonly<Record<Job['kind'], string>> = { record: 'Recording', scan: 'Search', prove: 'Proof', upgrade: 'Repair', rollback: 'Undo', download: 'Download', benchmark: 'Benchmark', tune: 'Tuning', training: 'Training', build: 'Build', export: 'Export', measure: 'Measurement', compare: 'Comparison', verify: 'Check' };

function JobEntry({ job }: { readonly job: Job }): ReactNode {
  const app = useApp();
  const share = job.progress === null ? null : formatShare(job.progress);
  return (
    <span className="jobwrap">
      <button type="button" className="job" title={`${job.title}: show the log`} onClick={() => app.jobs.getState().open(job.id)}>
        <Icon name="run" small />
        <b>{kinds[job.kind]}</b>
        <span className="trunc">{job.title}</span>
        {job.progress !== null && (
          <span className="bar accent" role="progressbar" aria-label={job.title} aria-valuenow={Math.round(job.progress * 100)} aria-valuemin={0} aria-valuemax={100}>
            <i style={{ width: `${job.progress * 100}%` }} />
          </span>
        )}
        {share && (
          <span>
            {share.text}
            <span className="u">{share.unit}</span>
          </span>
        )}
        <span className="q hide-s">{[job.state === 'cancelling' ? 'is being cancelled' : job.doing, job.secondsLeft === null ? null : `${formatDuration(job.secondsLeft)} left`].filter((t) => t !== null).join(' · ')}</span>
      </button>
      <Button look="bare" small icon="x" label={`Cancel: ${job.title}`} disabled={job.state === 'cancelling'} onClick={() => void app.jobs.getState().cancel(job.id)} />
    </span>
  );
}
