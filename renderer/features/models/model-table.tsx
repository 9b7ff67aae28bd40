import type { ReactNode } from 'react';
import type { LoadedModel } from '../../../contract/inference.ts';
import type { ModelOutlook } from '../../../contract/models.ts';
import { useApp } from '../../app/context.tsx';
import { valueOf, type Remote } from '../../connection/remote.ts';
import type { OpenModel } from '../../stores/models-store.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes, formatDeviceName, formatGib } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { NotReported, Value } from '../../ui/value.tsx';
import { DownloadCell } from './download-cell.tsx';
import { FitBar } from './fit-bar.tsx';
import { findRoom, formatParameters, listPlaceOutlooks, type ModelRow, type ShownPlace } from './model-words.ts';
import { SpeedValue } from './speed-value.tsx';

export interface ModelTableProps {
  readonly rows: readonly ModelRow[];
  readonly place: ShownPlace | null;
  readonly outlooks: Readonly<Record<string, Remote<ModelOutlook>>>;
  readonly loaded: readonly LoadedModel[];
  readonly open: OpenModel | null;
  /** `here:ID` or `offered:ID`. */
  onOpen(key: string): void;
}

/** One line a model: size, speed on the chosen place, memory there, licence, and what can be done. */
export function ModelTable(props: ModelTableProps): ReactNode {
  const { rows, place } = props;
  const where = place === null ? 'here' : plainText(formatDeviceName(place.name));
  return (
    <section className="panel" aria-label="Models">
      <table className="tbl models">
        <colgroup><col /><col className="m1" /><col className="m2" /><col className="m3" /><col className="m4" /><col className="m5" /></colgroup>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Quantised</th>
            <th scope="col" className="num">{place?.key === 'cpu' ? 'On the processor' : `On ${where === 'here' ? 'this machine' : `the ${where}`}`}</th>
            <th scope="col">Memory{place?.freeBytes == null ? '' : <>, {place.capacityBytes === null ? '' : `${formatGib(place.freeBytes).text} of `}<Value of={formatGib(place.capacityBytes ?? place.freeBytes)} /> free</>}</th>
            <th scope="col" className="lic">Licence</th>
            <th scope="col"><span className="sr">Action</span></th>
          </tr>
        </thead>
        <tbody className="two">{rows.map((row) => (row.kind === 'here' ? <HereRow key={row.key} row={row} {...props} /> : <OfferedRow key={row.key} row={row} {...props} />))}</tbody>
      </table>
    </section>
  );
}

function stateWords(row: ModelRow & { kind: 'here' }): string {
  if (row.loaded !== null) return row.loaded.state === 'ready' ? 'loaded' : row.loaded.state;
  if (row.model.synthetic) return 'random weights, made here';
  if (row.model.problems.length > 0) return plainText(row.model.problems[0]?.title ?? '');
  return row.model.home === 'warpdeck' ? 'here' : `here, kept by ${{ lm_studio: 'LM Studio', ollama: 'Ollama', hugging_face: 'Hugging Face', folder: 'you', warpdeck: '' }[row.model.home]}`;
}

function HereRow({ row, place, outlooks, loaded, open, onOpen }: ModelTableProps & { readonly row: ModelRow & { kind: 'here' } }): ReactNode {
  const { loaded: store } = useApp();
  const { model } = row;
  const outlook = valueOf(outlooks[model.id] ?? { state: 'idle' });
  const everywhere = listPlaceOutlooks(outlook, null);
  const there = everywhere.find((o) => o.place === place?.key) ?? null;
  const name = plainText(model.name);
  const placed = row.loaded?.truth.placed.find((p) => (p.uuid ?? 'cpu') === place?.key)?.bytes ?? 0;
  const usable = !model.problems.some((p) => p.severity === 'problem');
  const busy = row.loaded !== null && row.loaded.state !== 'ready';
  return (
    <tr className="two" aria-selected={open?.kind === 'here' && open.id === model.id}>
      <td>
        <button type="button" className="modelname" onClick={() => onOpen(`here:${model.id}`)}><b>{name}</b></button>
        <span className="path">{model.facts === null ? '' : <><Value of={formatParameters(model.facts.parameters)} />{model.facts.activeParameters < model.facts.parameters && <>, <Value of={formatParameters(model.facts.activeParameters)} /> at work</>} · </>}{stateWords(row)}</span>
      </td>
      <td>{model.facts?.quantisation ?? <NotReported reason="The header of the file could not be read." />}<span className="sub blk"><Value of={formatBytes(model.bytes)} /></span></td>
      <td className="num tok">
        <SpeedValue there={there} strong words="basis" why={outlook === null && model.facts !== null ? 'It is being worked out.' : 'No speed is known for this place.'} />
      </td>
      <td className="fitc">{there === null ? <NotReported reason={outlook === null && model.facts !== null ? 'It is being worked out.' : 'No memory is estimated for this file.'} /> : <FitBar outlook={there} room={findRoom(everywhere, there.place)} loadedBytes={placed} nameOf={(id) => plainText(loaded.find((l) => l.id === id)?.name ?? id)} />}</td>
      <td className="lic">{plainText(row.offered?.licence?.name ?? model.facts?.licence?.name ?? model.facts?.licence?.id ?? '') || <NotReported reason="The file names no licence." />}<span className="sub blk" title={plainText(row.offered?.licence?.conditions ?? '')}>{plainText(row.offered?.licence?.conditions ?? '')}</span></td>
      <td className="num">
        {row.loaded !== null ? (
          <Button small disabled={busy} aria-label={`Unload ${name}`} onClick={() => void store.getState().unload(row.loaded?.id ?? '')}>{busy ? 'Loading' : 'Unload'}</Button>
        ) : (
          <Button small disabled={!usable} aria-label={`Load ${name}`} onClick={() => void store.getState().load({ model: model.id, makeRoom: there?.verdict === 'fits_after_unload' })}>{there?.verdict === 'fits_after_unload' ? 'Swap' : 'Load'}</Button>
        )}
      </td>
    </tr>
  );
}

function OfferedRow({ row, place, loaded, open, onOpen }: ModelTableProps & { readonly row: ModelRow & { kind: 'offered' } }): ReactNode {
  const { models: store } = useApp();
  const { offered, file } = row;
  const everywhere = listPlaceOutlooks(null, file);
  const there = everywhere.find((o) => o.place === place?.key) ?? null;
  const name = plainText(offered.name);
  return (
    <tr className="two" aria-selected={open?.kind === 'offered' && open.id === offered.id}>
      <td>
        <button type="button" className="modelname" onClick={() => onOpen(`offered:${offered.id}`)}><b>{name}</b></button>
        <span className="path">{offered.parameters !== null && <><Value of={formatParameters(offered.parameters)} />{offered.activeParameters !== null && offered.activeParameters < offered.parameters && <>, <Value of={formatParameters(offered.activeParameters)} /> at work</>} · </>}not here · <span title={plainText(offered.note)}>{plainText(offered.note)}</span></span>
      </td>
      <td>{file.quantisation}<span className="sub blk">{file.bytes > 0 ? <Value of={formatBytes(file.bytes)} /> : ''}</span></td>
      <td className="num tok"><SpeedValue there={there} strong words="basis" why="Its size is not known: open it, and its header is read from the server." /></td>
      <td className="fitc">{there === null ? <NotReported reason="Its size is not known: open it, and its header is read from the server." /> : <FitBar outlook={there} room={findRoom(everywhere, there.place)} loadedBytes={0} nameOf={(id) => plainText(loaded.find((l) => l.id === id)?.name ?? id)} />}</td>
      <td className="lic">{plainText(offered.licence?.name ?? '') || <NotReported reason="The licence is not known." />}<span className="sub blk" title={plainText(offered.licence?.conditions ?? '')}>{plainText(offered.licence?.conditions ?? '')}</span></td>
      <td className="num">{row.download === null ? <Button small aria-label={`Get ${name}`} onClick={() => void store.getState().get({ offered: offered.id, quantisation: file.quantisation })}>Get</Button> : <DownloadCell download={row.download} />}</td>
    </tr>
  );
}
