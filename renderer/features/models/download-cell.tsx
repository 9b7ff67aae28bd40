import type { ReactNode } from 'react';
import type { Download } from '../../../contract/models.ts';
import { useApp } from '../../app/context.tsx';
import { Button } from '../../ui/button.tsx';
import { formatShare } from '../../ui/format.ts';
import { Value } from '../../ui/value.tsx';

/** How a download stands, with what can be done about it. */
export function DownloadCell({ download }: { readonly download: Download }): ReactNode {
  const { models } = useApp();
  const { pause, resume, cancel } = models.getState();
  const share = download.totalBytes === null || download.totalBytes === 0 ? null : download.doneBytes / download.totalBytes;
  const going = download.state === 'running' || download.state === 'waiting' || download.state === 'checking';
  return (
    <span className="dl">
      <span className="bar accent" role="progressbar" aria-label={`Download of ${download.name}`} aria-valuemin={0} aria-valuemax={100} {...(share === null ? {} : { 'aria-valuenow': Math.round(share * 100) })}>
        <i style={{ width: `${(share ?? 0) * 100}%` }} />
      </span>
      <span className="share">{share === null ? '—' : <Value of={formatShare(share)} />}</span>
      {going ? <Button look="bare" small icon="pause" label={`Pause the download of ${download.name}`} onClick={() => void pause(download.id)} /> : <Button look="bare" small icon="play" label={`Go on with the download of ${download.name}`} onClick={() => void resume(download.id)} />}
      <Button look="bare" small icon="x" label={`Give up the download of ${download.name}`} onClick={() => void cancel(download.id)} />
    </span>
  );
}
