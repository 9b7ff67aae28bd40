import { useEffect, useRef, type ReactNode } from 'react';
import type { Model, ModelOutlook } from '../../../contract/models.ts';
import { useApp, useLoaded, useModels } from '../../app/context.tsx';
import { ProblemActions } from '../../app/problem-actions.tsx';
import { goTo, hrefOf } from '../../app/routes.ts';
import { loading, valueOf, type Remote } from '../../connection/remote.ts';
import type { OpenModel } from '../../stores/models-store.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes, formatCount, formatDeviceName, formatFigures, formatGib, formatWhole } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { Value } from '../../ui/value.tsx';
import { EveryPlace } from './every-place.tsx';
import { FilesSection } from './files-section.tsx';
import { describeBasis, isMeasured, listPlaceOutlooks, type ShownPlace } from './model-words.ts';

/** All about one model: files that can be had, why the speed is what it is, measuring it, licence, file. */
export function ModelDrawer({ open, place, onClose }: { readonly open: OpenModel; readonly place: ShownPlace | null; onClose(): void }): ReactNode {
  const { models: store, chat, jobs, ui, shell } = useApp();
  const list = useModels((s) => valueOf(s.list));
  const offers = useModels((s) => valueOf(s.offered)) ?? [];
  const downloads = useModels((s) => valueOf(s.downloads)) ?? [];
  const outlook: Remote<ModelOutlook> = useModels((s) => (open.kind === 'here' ? (s.outlooks[open.id] ?? loading) : s.preview));
  const loaded = useLoaded((s) => (valueOf(s.loaded) ?? []).find((l) => open.kind === 'here' && l.modelId === open.id) ?? null);
  const model = open.kind === 'here' ? (list?.models.find((m) => m.id === open.id) ?? null) : null;
  const offered = open.kind === 'offered' ? (offers.find((o) => o.id === open.id) ?? null) : (offers.find((o) => o.files.some((f) => f.hereAs === open.id)) ?? null);
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.focus(), [open.kind, open.id]);
  const name = plainText(model?.name ?? offered?.name ?? valueOf(outlook)?.name ?? open.id);
  const known = valueOf(outlook);
  const file = open.kind === 'offered' ? (offered?.files.find((f) => f.quantisation === open.quantisation) ?? null) : null;
  const everywhere = listPlaceOutlooks(known, file);
  const there = everywhere.find((o) => o.place === place?.key) ?? null;
  const { speed = null, memory = null } = there ?? {};
  const link = [offered?.licence?.link, model?.facts?.licence?.link].find((one): one is string => one != null && /^https:\/\//i.test(one) && URL.canParse(one))?.slice(0, 300) ?? null;
  const readLicence = async (url: string): Promise<void> => {
    // The address may be the file's own word. The desktop window asks by itself before it opens one; a tab does not.
    const yes = shell.kind !== 'browser' || (await shell.confirm({ title: `Open ${new URL(url).host}?`, detail: url, confirmLabel: 'Open' }));
    if (yes && !(await shell.openExternal(url))) ui.getState().say('This address is not opened: only https is.');
  };
  const measure = async (): Promise<void> => {
    const job = await store.getState().measure(open.kind === 'here' ? { model: open.id } : { offered: open.id, quantisation: open.quantisation }, place?.key ?? null);
    if (job !== null) jobs.getState().open(job.id);
  };
  const compare = async (): Promise<void> => {
    // A comparison begins with what a new conversation would use.
    chat.getState().open(null);
    await chat.getState().change({ answerer: { ...chat.getState().draft.answerer, provider: null, model: open.id } });
    goTo('chat', 'compare');
  };
  const remove = async (): Promise<void> => {
    const plan = await store.getState().planRemove(open.id);
    if (plan === null) return;
    const yes = await shell.confirm({ title: `Delete ${plainText(plan.name)}?`, detail: `${plan.files.length === 1 ? 'One file' : `${String(plan.files.length)} files`}, ${formatBytes(plan.bytes).text} ${formatBytes(plan.bytes).unit}. It can be downloaded again.`, confirmLabel: 'Delete' });
    if (yes && (await store.getState().remove(plan.planId))) {
      ui.getState().say(`${plainText(plan.name)} is deleted.`);
      onClose();
    }
  };
  return (
    <aside ref={box} className="drawer" tabIndex={-1} aria-label={name} aria-busy={outlook.state === 'loading'}>
      <header>
        <div className="dtitle">
          <h2>{name}</h2>
          <Button look="bare" small icon="x" label="Close" onClick={onClose} />
        </div>
        {loaded !== null && <p className="note say">{plainText(loaded.truth.sentence)}</p>}
        {open.kind === 'offered' && offered !== null && <p className="note say">{plainText(offered.note)}</p>}
        <div className="acts">
          {open.kind === 'here' && <a className="btn primary" href={`${hrefOf('chat')}?model=${encodeURIComponent(open.id)}`}>Chat</a>}
          {open.kind === 'here' && <Button onClick={() => void compare()}>Compare</Button>}
          <Button onClick={() => void measure()}>{open.kind === 'here' ? 'Measure' : 'Measure with a synthetic model'}</Button>
        </div>
      </header>
      {[...(model?.problems ?? []), ...(known?.problems ?? [])].length > 0 && <section className="found" aria-label="Findings">{[...(model?.problems ?? []), ...(known?.problems ?? [])].map((p, i) => <ProblemActions key={`${p.code} ${String(i)}`} problem={p} onRetry={store.getState().again} />)}</section>}
      {outlook.state === 'failed' && <section className="found"><ProblemActions problem={outlook.problem} onRetry={store.getState().again} /></section>}
      {offered !== null && <FilesSection offered={offered} downloads={downloads} place={place} />}
      {everywhere.length > 0 && <EveryPlace outlooks={everywhere} chosen={place?.key ?? null} holds={(key) => loaded !== null && loaded.truth.placed.some((p) => (p.uuid ?? 'cpu') === key)} onChoose={store.getState().setPlace} />}
      {speed !== null && (
        <section>
          <h3>{isMeasured(speed) ? 'Speed' : 'Why this speed'} <span className="sub">{place === null ? '' : plainText(formatDeviceName(place.name))}</span></h3>
          {speed.tokensPerSecond === null ? <p className="note">{plainText(speed.why ?? 'Nothing is known yet.')} Measure it.</p> : (
            <p className="note">
              {speed.roofline !== null && speed.bandwidth !== null && <><Value of={{ text: formatFigures(speed.bandwidth / 1e9), unit: 'GB/s' }} /> ÷ <Value of={{ text: formatFigures(speed.bytesPerToken / 1e9), unit: 'GB per token' }} /> = <Value of={{ text: formatFigures(speed.roofline), unit: 'tok/s' }} /> at most. </>}
              {speed.basis === 'prior' && <>Other machines with such a GPU reach this: t = bytes ÷ ({formatFigures((speed.efficiency ?? 0) * 100)} % of the bandwidth) + {formatFigures((speed.fixedSeconds ?? 0) * 1000)} ms.</>}
              {speed.basis === 'fitted' && <>Fitted to {formatCount(speed.runs, 'run')} on this machine.</>}
              {isMeasured(speed) && <>{formatFigures(speed.tokensPerSecond)} tok/s {describeBasis(speed)}, {formatCount(speed.runs, 'run')}{speed.roofline === null ? '' : `, ${formatFigures((100 * speed.tokensPerSecond) / speed.roofline)} % of the roofline`}.</>}
              {there?.from === 'sibling' && <> Its shapes are those of another quantisation of this model, scaled to its size.</>}
              {there?.from === 'size' && <> All of its {formatBytes(there.weightsBytes).text} {formatBytes(there.weightsBytes).unit} count as read for each token, until its header has been read.</>}
              {speed.bandwidthFrom !== null && <span className="q"> Bandwidth: {plainText(speed.bandwidthFrom)}.</span>}
            </p>
          )}
          {open.kind === 'offered' && <p className="note">A synthetic model has the same shapes and random weights. It is made here, gives the true speed, not the quality, and is deleted afterwards.</p>}
        </section>
      )}
      {memory !== null && (
        <section>
          <h3>Memory <span className="sub">at {formatWhole(memory.contextTokens)} tokens of context</span></h3>
          <dl className="kv">
            <dt>Weights</dt><dd><Value of={formatGib(memory.weightsBytes)} /></dd>
            <dt>Cache</dt><dd><Value of={formatGib(memory.cacheBytes)} /></dd>
            <dt>Work</dt><dd><Value of={formatGib(memory.workBytes + memory.overheadBytes)} /></dd>
            {memory.contextThatFits !== null && <><dt>Fits up to</dt><dd>{formatWhole(memory.contextThatFits)} tokens</dd></>}
            <dt>Own error</dt><dd>{memory.ownError === null ? 'no load to compare with yet' : <>{formatFigures(memory.ownError.medianPercent)} % (median of {formatCount(memory.ownError.loads, 'load')})</>}</dd>
          </dl>
        </section>
      )}
      {(model?.facts?.licence != null || offered?.licence != null) && (
        <section>
          <h3>Licence <span className="sub">{plainText(model?.facts?.licence?.name ?? offered?.licence?.name ?? model?.facts?.licence?.id ?? '')}</span></h3>
          <p className="note">{plainText(offered?.licence?.conditions ?? '')} {link !== null && <Button look="bare" small title={link} onClick={() => void readLicence(link)}>Read it</Button>}</p>
        </section>
      )}
      {model !== null && <FileSection model={model} onVerify={() => void store.getState().verify(model.id).then((job) => { if (job !== null) jobs.getState().open(job.id); })} onRemove={() => void remove()} />}
    </aside>
  );
}

function FileSection({ model, onVerify, onRemove }: { readonly model: Model; onVerify(): void; onRemove(): void }): ReactNode {
  const facts = model.facts;
  return (
    <section className="last">
      <h3>File</h3>
      <dl className="kv">
        <dt>Path</dt><dd className="wraps">{plainText(model.path)}</dd>
        <dt>Checksum</dt><dd>{model.origin?.sha256 == null ? 'not known' : model.origin.verified ? <span className="st fine"><Icon name="ok" />matches</span> : 'not checked'}</dd>
        {facts !== null && <><dt>Architecture</dt><dd>{plainText(facts.architecture)}, {facts.layers} layers</dd></>}
        {facts?.contextTrained != null && <><dt>Context</dt><dd>{formatWhole(facts.contextTrained)} tokens trained</dd></>}
        {facts !== null && <><dt>Template</dt><dd>{facts.template === null ? 'none: it continues text' : `${plainText(facts.template.family ?? 'custom')}${facts.template.tools ? ', knows tools' : ''}`}</dd></>}
        {facts?.tokenizer != null && <><dt>Tokenizer</dt><dd>{plainText(facts.tokenizer)}{facts.vocabulary === null ? '' : `, ${formatWhole(facts.vocabulary)} tokens`}</dd></>}
      </dl>
      <div className="acts">
        {model.origin?.sha256 != null && <Button small onClick={onVerify}>Compare the checksum</Button>}
        {(model.home === 'warpdeck' || model.home === 'folder') && <Button small onClick={onRemove}>Delete…</Button>}
      </div>
    </section>
  );
}
