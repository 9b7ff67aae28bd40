import type { ReactNode } from 'react';
import type { LoadedModel } from '../../../contract/inference.ts';
import type { ModelOutlook } from '../../../contract/models.ts';
import { useApp } from '../../app/context.tsx';
import { valueOf, type Remote } from '../../connection/remote.ts';
import type { OpenModel } from '../../stores/models-store.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes, formatDeviceName, formatFigures, formatGib } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { NotReported, Value } from '../../ui/value.tsx';
import { DownloadCell } from './download-cell.tsx';
import { FitBar } from './fit-bar.tsx';
import { describeBasis, formatParameters, memoryOn, speedOn, type ModelRow } from './model-words.ts';

interface Place {
  readonly key: string;
  readonly name: string;
  readonly freeBytes: number | null;
  readonly capacityBytes: number | null;
}

export interface ModelTableProps {
  readonly rows: readonly ModelRow[];
  readonly place: Place | null;
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
  const memory = memoryOn(outlook, place?.key ?? null);
  const speed = speedOn(outlook, place?.key ?? null);
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
        {speed === null ? <NotReported reason={outlook === null ? 'It is being worked out.' : 'No speed is known for this place.'} /> : speed.tokensPerSecond === null ? <NotReported reason={speed.why ?? 'No speed is predicted for this place.'} /> : <><b className={speed.basis === 'measured' || speed.basis === 'measured_synthetic' ? undefined : 'est'}>{formatFigures(speed.tokensPerSecond)}</b><span className="u">tok/s</span><span className="sub blk">{describeBasis(speed)}</span></>}
      </td>
      <td className="fitc">{memory === null ? <NotReported reason={outlook === null ? 'It is being worked out.' : 'No memory is estimated for this file.'} /> : <FitBar memory={memory} loadedBytes={placed} nameOf={(id) => plainText(loaded.find((l) => l.id === id)?.name ?? id)} />}</td>
      <td className="lic">{plainText(row.offered?.licence?.name ?? model.facts?.licence?.name ?? model.facts?.licence?.id ?? '') || <NotReported reason="The file names no licence." />}<span className="sub blk" title={plainText(row.offered?.licence?.conditions ?? '')}>{plainText(row.offered?.licence?.conditions ?? '')}</span></td>
      <td className="num">
        {row.loaded !== null ? (
          <Button small disabled={busy} aria-label={`Unload ${name}`} onClick={() => void store.getState().unload(row.loaded?.id ?? '')}>{busy ? 'Loading' : 'Unload'}</Button>
        ) : (
          <Button small disabled={!usable} aria-label={`Load ${name}`} onClick={() => void store.getState().load({ model: model.id, makeRoom: memory?.verdict === 'fits_after_unload' })}>{memory?.verdict === 'fits_after_unload' ? 'Swap' : 'Load'}</Button>
        )}
      </td>
    </tr>
  );
}

function OfferedRow({ row, open, onOpen }: ModelTableProps & { readonly row: ModelRow & { kind: 'offered' } }): ReactNode {
  const { models: store } = useApp();
  const { offered } = row;
  const name = plainText(offered.name);
  return (
    <tr className="two" aria-selected={open?.kind === 'offered' && open.id === offered.id}>
      <td>
        <button type="button" className="modelname" onClick={() => onOpen(`offered:${offered.id}`)}><b>{name}</b></button>
        <span className="path">{offered.parameters !== null && <><Value of={formatParameters(offered.parameters)} />{offered.activeParameters !== null && offered.activeParameters < offered.parameters && <>, <Value of={formatParameters(offered.activeParameters)} /> at work</>} · </>}not here</span>
      </td>
      <td>{row.quantisation}<span className="sub blk">{row.bytes > 0 ? <Value of={formatBytes(row.bytes)} /> : ''}</span></td>
      <td className="num tok"><NotReported reason="Open it: its header is read from the server, and the speed predicted." /></td>
      <td className="note offnote">{plainText(offered.note)}</td>
      <td className="lic">{plainText(offered.licence?.name ?? '') || <NotReported reason="The licence is not known." />}<span className="sub blk" title={plainText(offered.licence?.conditions ?? '')}>{plainText(offered.licence?.conditions ?? '')}</span></td>
      <td className="num">{row.download === null ? <Button small aria-label={`Get ${name}`} onClick={() => void store.getState().get({ offered: offered.id, quantisation: row.quantisation })}>Get</Button> : <DownloadCell download={row.download} />}</td>
    </tr>
  );
}
