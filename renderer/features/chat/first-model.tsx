import type { ReactNode } from 'react';
import type { Download, OfferedModel } from '../../../contract/models.ts';
import { useApp, useModels } from '../../app/context.tsx';
import { hrefOf } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatDuration, formatWhole } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { ProblemActions } from '../../app/problem-actions.tsx';

const none: readonly never[] = [];

/** Sizes of downloads are said as hubs say them, in MB. */
const megabytes = (bytes: number): string => formatWhole(Math.round(bytes / 1e6));

/** The offered model for a first chat, its smallest file, and the download of it that is known. Pure. */
export function decideFirst(offered: readonly OfferedModel[], downloads: readonly Download[]): { readonly offer: OfferedModel; readonly bytes: number | null; readonly download: Download | null } | null {
  const offer = offered.find((o) => o.first) ?? null;
  if (offer === null) return null;
  const sizes = [...offer.files.map((f) => f.bytes), ...(offer.package === null ? [] : [offer.package.bytes])];
  const download = downloads.filter((d) => d.state !== 'cancelled' && d.name.toLowerCase().includes(offer.name.toLowerCase())).toSorted((a, b) => b.startedAtMs - a.startedAtMs)[0] ?? null;
  return { offer, bytes: sizes.length === 0 ? null : Math.min(...sizes), download };
}

/** Without a model: one click to the smallest useful one, its progress right here; then the chat is ready by itself. */
export function FirstModel(): ReactNode {
  const { models } = useApp();
  const offered = useModels((s) => valueOf(s.offered)) ?? none;
  const downloads = useModels((s) => valueOf(s.downloads)) ?? none;
  const problem = useModels((s) => s.problem);
  const first = decideFirst(offered, downloads);
  const { get, pause, resume } = models.getState();
  const download = first?.download ?? null;
  const going = download !== null && (download.state === 'running' || download.state === 'waiting' || download.state === 'checking' || download.state === 'done');
  const share = download === null || download.totalBytes === null || download.totalBytes === 0 ? null : download.doneBytes / download.totalBytes;
  const name = first === null ? 'SmolLM2' : plainText(first.offer.name.split('-')[0] ?? first.offer.name);
  return (
    <section className="firstmodel" aria-label="Get a model">
      <h2>There is no model on this machine yet</h2>
      <p>{first === null ? 'Get one to talk to it.' : `${plainText(first.offer.name)} is small and answers at once, also on the processor. ${plainText(first.offer.note)}`}</p>
      {download !== null && going ? (
        <div className="getting">
          <span className="bar accent" role="progressbar" aria-label={`Download of ${plainText(download.name)}`} aria-valuemin={0} aria-valuemax={100} {...(share === null ? {} : { 'aria-valuenow': Math.round(share * 100) })}><i style={{ width: `${(share ?? 0) * 100}%` }} /></span>
          <p className="sub" role="status">
            {download.state === 'done' ? 'Here; the list of models is being read.' : download.state === 'checking' ? 'Checking the file.' : download.state === 'waiting' ? 'Waits for another download.' : `${megabytes(download.doneBytes)} of ${download.totalBytes === null ? '—' : megabytes(download.totalBytes)} MB${download.secondsLeft === null ? '' : `, ${formatDuration(download.secondsLeft)} left`}`}
          </p>
          {download.state === 'running' && <Button small onClick={() => void pause(download.id)}>Pause</Button>}
        </div>
      ) : (
        <div className="getting">
          {download !== null ? (
            <Button look="primary" onClick={() => void resume(download.id)}>Go on with the download{share === null ? '' : ` (${Math.round(share * 100)} % is here)`}</Button>
          ) : (
            <Button look="primary" onClick={() => void get({ offered: first?.offer.id ?? 'smollm2-135m-instruct', quantisation: null })}>Get {name}{first?.bytes == null ? ' (98 MB)' : ` (${megabytes(first.bytes)} MB)`}</Button>
          )}
          <a className="btn" href={hrefOf('models')}>Other models</a>
        </div>
      )}
      {download?.problem && <ProblemActions problem={download.problem} />}
      {problem && <ProblemActions problem={problem} />}
    </section>
  );
}
