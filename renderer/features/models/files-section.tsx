import type { ReactNode } from 'react';
import type { Download, OfferedFile, OfferedModel } from '../../../contract/models.ts';
import { useApp, useLoaded } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes, formatDeviceName } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import { NotReported, Value } from '../../ui/value.tsx';
import { DownloadCell } from './download-cell.tsx';
import { describeFit, type ShownPlace } from './model-words.ts';
import { SpeedValue } from './speed-value.tsx';

export interface FilesSectionProps {
  readonly offered: OfferedModel;
  readonly downloads: readonly Download[];
  readonly place: ShownPlace | null;
}

/** The files that can be had of a model: each with its size, its speed on the chosen place beneath the roofline, and whether it fits. */
export function FilesSection({ offered, downloads, place }: FilesSectionProps): ReactNode {
  const loaded = useLoaded((s) => valueOf(s.loaded)) ?? [];
  const where = place === null ? '' : place.key === 'cpu' ? 'on the processor' : `on the ${plainText(formatDeviceName(place.name))}, if alone`;
  return (
    <section>
      <h3>Quantisations <span className="sub">{where}</span></h3>
      <table className="tbl plain files">
        <colgroup><col /><col className="f1" /><col className="f2" /><col className="f3" /></colgroup>
        <thead><tr><th scope="col">File</th><th scope="col" className="num">Size</th><th scope="col" className="num">Speed, at most</th><th scope="col"><span className="sr">Here</span></th></tr></thead>
        <tbody>
          {offered.files.map((file) => {
            const there = file.places?.find((p) => p.place === place?.key) ?? null;
            const fit = there === null ? null : describeFit(there, loaded.some((l) => l.modelId === file.hereAs));
            return (
              <tr key={file.file} className="two">
                <td>
                  {plainText(file.quantisation)}{file.parts > 1 && <span className="q"> {file.parts} parts</span>}
                  <span className="sub blk">{fit !== null && <StateMark kind={fit.kind}>{fit.words}</StateMark>}</span>
                </td>
                <td className="num">{file.bytes > 0 ? <Value of={formatBytes(file.bytes)} /> : <NotReported reason="The hub does not tell its size before it is asked." />}</td>
                <td className="num tok"><SpeedValue there={there} why="It is not known before its size is." words="roofline" /></td>
                <td className="num"><GetCell offered={offered} file={file} download={downloads.find((d) => d.name === offered.name && d.quantisation === file.quantisation && d.state !== 'done' && d.state !== 'cancelled') ?? null} /></td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {offered.gated && <p className="note">Its maker asks for consent: accept the terms on the model’s page, and set a hub token in the settings.</p>}
    </section>
  );
}

function GetCell({ offered, file, download }: { readonly offered: OfferedModel; readonly file: OfferedFile; readonly download: Download | null }): ReactNode {
  const { models } = useApp();
  if (file.hereAs !== null) return <StateMark kind="fine">here</StateMark>;
  if (download !== null) return <DownloadCell download={download} />;
  return <Button look="bare" small aria-label={`Get ${plainText(offered.name)} ${plainText(file.quantisation)}`} onClick={() => void models.getState().get({ offered: offered.id, quantisation: file.quantisation })}>Get</Button>;
}
