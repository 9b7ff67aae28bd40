import { useMemo, type ReactNode } from 'react';
import type { Profile } from '../../../contract/optimize.ts';
import { useApp, useEnvironments, useGpuStore, useOptimise } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import type { OptimiseSubject } from '../../stores/optimise-store.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatDeviceName, formatDuration } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { Segmented } from '../../ui/segmented.tsx';
import { Select } from '../../ui/select.tsx';
import { QUEUE_BUDGET_SECONDS } from './effect-choice.ts';

const BEST = '';

export interface OptimiseHeadProps {
  /** As the user put it; the engine chooses where it is null. */
  readonly subject: OptimiseSubject;
  readonly profiles: readonly Profile[];
  readonly queueLength: number;
  /** Switches that Apply… would take. */
  readonly applicable: number;
  readonly whyNotApply: string | null;
  onSubject(subject: OptimiseSubject): void;
  onMeasureAll(): void;
  onApply(): void;
}

/** Environment, place, profile; measure all; apply. */
export function OptimiseHead({ subject, profiles, queueLength, applicable, whyNotApply, onSubject, onMeasureAll, onApply }: OptimiseHeadProps): ReactNode {
  const { optimise: store } = useApp();
  const overview = useOptimise((s) => valueOf(s.overview));
  const profileId = useOptimise((s) => s.profileId);
  const queue = useOptimise((s) => s.queue);
  const rows = useEnvironments((s) => valueOf(s.matrix)?.rows);
  const devices = useGpuStore((s) => valueOf(s.inventory)?.devices);
  const environments = useMemo(() => {
    const known = (rows ?? []).filter((r) => r.torch !== null).map((r) => ({ value: r.id, text: `${plainText(r.name)}, torch ${r.torch ?? ''}` }));
    const own = overview?.environment;
    // What the engine chose may not be in the list yet.
    if (subject.environmentId !== null && !known.some((e) => e.value === subject.environmentId)) known.unshift({ value: subject.environmentId, text: plainText(own?.id === subject.environmentId ? own.name : subject.environmentId) });
    return [{ value: BEST, text: subject.environmentId === null && own != null ? `${plainText(own.name)}, torch ${own.torch ?? '—'}` : 'The best environment' }, ...known.filter((e) => subject.environmentId !== null || e.value !== own?.id)];
  }, [rows, overview, subject.environmentId]);
  const places = [...(devices ?? []).map((d) => ({ value: d.uuid, text: `GPU ${String(d.index)}: ${formatDeviceName(d.name)}` })), { value: 'cpu', text: 'Processor' }];
  const place = subject.place ?? overview?.place.key ?? 'cpu';
  return (
    <div className="head">
      <h1>Optimise</h1>
      <Select label="Environment" value={subject.environmentId ?? BEST} options={environments} onChange={(id) => onSubject({ ...subject, environmentId: id === BEST ? null : id })} />
      <Select label="Place" value={places.some((p) => p.value === place) ? place : 'cpu'} options={places} onChange={(key) => onSubject({ ...subject, place: key })} />
      <Segmented label="Profile" value={profileId ?? BEST} options={[{ value: BEST, text: 'Everything' }, ...profiles.map((p) => ({ value: p.id, text: plainText(p.title), title: plainText(p.what) }))]} onChange={(id) => store.getState().setProfile(id === BEST ? null : id)} />
      <span className="sp" />
      <span className="headacts">
      {queue === null
        ? <Button disabled={queueLength === 0} title={queueLength === 0 ? 'Every switch that can be measured here has an answer that still holds.' : `${formatCount(queueLength, 'measurement')}, one after the other, each at most ${String(QUEUE_BUDGET_SECONDS)} s. It goes on while this window is open.`} onClick={onMeasureAll}>Measure all{queueLength > 0 && <span className="u">≤ {formatDuration(queueLength * QUEUE_BUDGET_SECONDS)}</span>}</Button>
        : <><span className="q" role="status">Measuring {Math.min(queue.total, queue.done + 1)} of {queue.total}</span><Button onClick={() => void store.getState().stopQueue()}>Stop</Button></>}
      <Button look="primary" disabled={whyNotApply !== null} title={whyNotApply ?? undefined} onClick={onApply}>{applicable === 0 ? 'Apply…' : `Apply ${formatCount(applicable, 'switch', 'switches')}…`}</Button>
      </span>
    </div>
  );
}
