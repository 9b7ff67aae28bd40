import { memo, type ReactNode } from 'react';
import type { Message } from '../../../../contract/chat.ts';
import type { GenerationFigures, LoadedModel } from '../../../../contract/inference.ts';
import type { SpeedPrediction } from '../../../../contract/models.ts';
import { useGpuStore, useModels } from '../../../app/context.tsx';
import { valueOf } from '../../../connection/remote.ts';
import { deviceColour } from '../../../ui/device-mark.tsx';
import { formatFigures, formatGbPerSecond, formatGib, formatWhole, type Quantity } from '../../../ui/format.ts';
import { plainText } from '../../../ui/plain-text.ts';
import { NotReported, Value } from '../../../ui/value.tsx';
import { formatMs, formatSpeed } from '../messages/figures.ts';
import { ProblemActions } from '../../../app/problem-actions.tsx';
import { SpeedLine } from './speed-line.tsx';
import { TruthBadge } from './truth-badge.tsx';

export interface InstrumentPanelProps {
  /** The model that answers, in memory; null: it is not. */
  readonly loaded: LoadedModel | null;
  /** The newest answer of the conversation. */
  readonly answer: Message | null;
  readonly remote: boolean;
  onLoad(): void;
  readonly loadable: boolean;
}

const NO_ANSWER = 'There is no answer yet.';

/** What the GPU does for this conversation: where the model is, how fast, against what the card can do, and at what cost. */
export const InstrumentPanel = memo(function InstrumentPanel({ loaded, answer, remote, onLoad, loadable }: InstrumentPanelProps): ReactNode {
  const outlook = useModels((s) => (loaded === null ? null : valueOf(s.outlooks[loaded.modelId] ?? { state: 'idle' })));
  const devices = useGpuStore((s) => valueOf(s.inventory)?.devices);
  const latest = useGpuStore((s) => s.latest);
  const figures = answer?.answer?.figures ?? null;
  const truth = loaded?.truth ?? answer?.answer?.truth ?? null;
  const main = truth?.placed.filter((p) => p.uuid !== null).toSorted((a, b) => b.layers - a.layers)[0] ?? null;
  const device = devices?.find((d) => d.uuid === main?.uuid) ?? null;
  const colour = truth?.colour === 'red' ? 'var(--problem)' : device === null ? 'var(--ink-2)' : deviceColour(device.index);
  const speed = outlook?.speed.find((p) => p.place === (main?.uuid ?? 'cpu')) ?? null;
  const used = device === null ? null : (latest[device.uuid]?.medium?.memUsedBytes ?? null);
  return (
    <>
      {truth !== null ? <TruthBadge truth={truth} then={loaded === null} /> : <NoModel loaded={loaded} remote={remote} onLoad={onLoad} loadable={loadable} />}
      {loaded?.problem && <ProblemActions problem={loaded.problem} onRetry={onLoad} retryLabel="Load again" />}
      {loaded !== null && (loaded.state === 'loading' || loaded.state === 'starting') && <Loading loaded={loaded} />}
      <Speed loaded={loaded} figures={figures} prediction={speed} colour={colour} />
      <Roofline figures={figures} prediction={speed} colour={colour} />
      <div className="ins pair">
        <Reading label="First token" value={figures === null || figures.firstTokenMs === null ? null : formatMs(figures.firstTokenMs)} why={figures === null ? NO_ANSWER : 'No token came.'} />
        <Reading label="Energy" value={figures === null || figures.joulesPerToken === null ? null : { text: formatFigures(figures.joulesPerToken), unit: 'J/tok' }} why={figures === null ? NO_ANSWER : remote ? 'The server does not report it.' : 'No GPU reported its energy for this answer alone.'} />
      </div>
      <Context loaded={loaded} figures={figures} colour={colour} />
      <Memory loaded={loaded} usedBytes={used} totalBytes={device?.memTotalBytes ?? null} colour={colour} />
      {loaded !== null && (
        <div className="ins last">
          <dl className="kv">
            <dt>Model</dt><dd className="wraps">{plainText(loaded.name)}</dd>
            <dt>Quantisation</dt><dd>{plainText(loaded.quantisation)}</dd>
            <dt>Engine</dt><dd>{loaded.release === null ? 'llama.cpp' : `llama.cpp ${plainText(loaded.release)}`}{loaded.backendId === null ? '' : `, ${backendName(loaded.backendId)}`}</dd>
            <dt>Template</dt><dd>{loaded.template === null ? <NotReported reason="The model is not loaded yet, or brings none." /> : plainText(loaded.template)}</dd>
            {loaded.threads !== null && truth?.backend === 'cpu' && <><dt>Threads</dt><dd>{loaded.threads}</dd></>}
            {loaded.loadSeconds !== null && <><dt>Loaded in</dt><dd>{formatFigures(loaded.loadSeconds)}<span className="u">s</span></dd></>}
          </dl>
        </div>
      )}
    </>
  );
});

const backendName = (id: string): string => ({ cuda: 'CUDA', 'cuda-local': 'CUDA, built here', vulkan: 'Vulkan', cpu: 'processor' })[id] ?? plainText(id);

function NoModel({ loaded, remote, onLoad, loadable }: Pick<InstrumentPanelProps, 'loaded' | 'remote' | 'onLoad' | 'loadable'>): ReactNode {
  return (
    <section className="truth grey" style={{ '--c': 'var(--ink-2)' } as Record<string, string>} aria-label="Where the model runs">
      <h2 className="t">{remote ? 'On another server' : loaded === null ? 'Not in memory' : 'Loads'}</h2>
      <p>{remote ? 'Nothing of it runs on this machine, so nothing is measured here.' : loadable ? 'The model is loaded with the first message.' : 'There is no model yet.'}</p>
      {!remote && loadable && loaded === null && <button type="button" className="btn" onClick={onLoad}>Load it now</button>}
    </section>
  );
}

function Loading({ loaded }: { readonly loaded: LoadedModel }): ReactNode {
  return (
    <div className="ins">
      <div className="top"><span className="lab">Loads</span><span className="v">{loaded.progress === null ? '' : <Value of={{ text: formatWhole(Math.round(loaded.progress * 100)), unit: '%' }} />}</span></div>
      <div className="bar accent" role="progressbar" aria-label={`Loading ${plainText(loaded.name)}`} aria-valuemin={0} aria-valuemax={100} {...(loaded.progress === null ? {} : { 'aria-valuenow': Math.round(loaded.progress * 100) })}><i style={{ width: `${(loaded.progress ?? 0) * 100}%` }} /></div>
    </div>
  );
}

function Reading({ label, value, why }: { readonly label: string; readonly value: Quantity | null; readonly why: string }): ReactNode {
  return (
    <div>
      <span className="lab">{label}</span>
      <div className="v">{value === null ? <NotReported reason={why} /> : <Value of={value} />}</div>
    </div>
  );
}

function Speed({ loaded, figures, prediction, colour }: { readonly loaded: LoadedModel | null; readonly figures: GenerationFigures | null; readonly prediction: SpeedPrediction | null; readonly colour: string }): ReactNode {
  const now = loaded?.tokensPerSecondNow ?? null;
  const shown = now ?? figures?.decodeTokensPerSecond ?? null;
  const average = loaded?.tokensPerSecondAverage ?? null;
  const predicted = prediction?.tokensPerSecond ?? null;
  const words = [
    now === null && shown !== null ? 'of the last answer' : null,
    average === null ? null : `average ${formatSpeed(average).text}`,
    predicted === null ? null : `${prediction?.basis === 'measured' || prediction?.basis === 'measured_synthetic' ? 'measured' : 'predicted ≈'} ${formatSpeed(predicted).text}`,
  ].filter((w) => w !== null);
  return (
    <div className="ins">
      <div className="top"><span className="lab">Speed</span><span className="v">{shown === null ? <NotReported reason={figures === null ? NO_ANSWER : 'One token has no speed.'} /> : <Value of={formatSpeed(shown)} />}</span></div>
      {loaded !== null && <SpeedLine id={loaded.id} colour={colour} mark={predicted} />}
      <div className="sub">{words.join(' · ')}</div>
    </div>
  );
}

function Roofline({ figures, prediction, colour }: { readonly figures: GenerationFigures | null; readonly prediction: SpeedPrediction | null; readonly colour: string }): ReactNode {
  const share = figures?.rooflineShare ?? null;
  const expected = prediction?.roofline && prediction.tokensPerSecond ? Math.min(1, prediction.tokensPerSecond / prediction.roofline) : null;
  const speed = figures?.decodeTokensPerSecond ?? null;
  return (
    <div className="ins">
      <div className="top"><span className="lab">Share of the roofline</span><span className="v">{share === null ? <NotReported reason={figures === null ? NO_ANSWER : (prediction?.why ?? 'The bandwidth of the memory that it runs in is not known.')} /> : <Value of={{ text: formatWhole(Math.round(share * 100)), unit: '%' }} />}</span></div>
      {share !== null && (
        <div className="roof" role="img" aria-label={`${Math.round(share * 100)} % of what the memory’s bandwidth allows${expected === null ? '' : `; predicted ${Math.round(expected * 100)} %`}`}>
          <i className="fill" style={{ width: `${Math.min(1, share) * 100}%`, background: share < 0.3 && colour !== 'var(--ink-2)' ? 'var(--problem)' : colour }} />
          {expected !== null && <i className="due" style={{ left: `${expected * 100}%` }} />}
        </div>
      )}
      {share !== null && speed !== null && (
        <div className="sub">
          {formatSpeed(speed).text} of {formatSpeed(speed / share).text}<span className="u">tok/s</span>
          {prediction?.bandwidth ? <>, which is {formatGbPerSecond(prediction.bandwidth).text}<span className="u">GB/s</span> ÷ {formatFigures(prediction.bytesPerToken / 1e9)}<span className="u">GB per token</span></> : ' that the memory’s bandwidth allows'}.
        </div>
      )}
    </div>
  );
}

function Context({ loaded, figures, colour }: { readonly loaded: LoadedModel | null; readonly figures: GenerationFigures | null; readonly colour: string }): ReactNode {
  const of = loaded?.contextTokens ?? figures?.contextTokens ?? null;
  const used = figures?.contextUsed ?? loaded?.contextUsed ?? null;
  const share = of === null || used === null ? null : Math.min(1, used / of);
  return (
    <div className="ins">
      <div className="top"><span className="lab">Context</span><span className="v">{used === null ? <NotReported reason={NO_ANSWER} /> : formatWhole(used)}{of !== null && <span className="u">of {formatWhole(of)}</span>}</span></div>
      {share !== null && <div className="bar"><i style={{ width: `${share * 100}%`, '--c': share > 0.9 ? 'var(--attention)' : colour } as Record<string, string>} /></div>}
      <div className="sub">
        {[share === null ? null : `${Math.round(share * 100)} % full`, loaded === null || loaded.flashAttention === null ? null : `flash attention ${loaded.flashAttention ? 'on' : 'off'}`, figures !== null && figures.turnsDropped > 0 ? `${formatWhole(figures.turnsDropped)} old turns left out` : null].filter((w) => w !== null).join(' · ')}
      </div>
    </div>
  );
}

function Memory({ loaded, usedBytes, totalBytes, colour }: { readonly loaded: LoadedModel | null; readonly usedBytes: number | null; readonly totalBytes: number | null; readonly colour: string }): ReactNode {
  const b = loaded?.bytes ?? null;
  const onGpu = loaded !== null && loaded.truth.layersOnGpu > 0;
  if (b === null) {
    return (
      <div className="ins">
        <div className="top"><span className="lab">Memory</span><span className="v"><NotReported reason="The model is not in memory." /></span></div>
      </div>
    );
  }
  const own = b.weights + b.cache + b.work;
  const others = usedBytes === null ? null : Math.max(0, usedBytes - own);
  const whole = onGpu ? totalBytes : null;
  const part = (bytes: number): string => `${(bytes / (whole ?? own + b.hostWeights)) * 100}%`;
  return (
    <div className="ins">
      <div className="top"><span className="lab">{onGpu ? 'GPU memory' : 'Memory'}</span><span className="v">{formatGib(own).text}{whole === null ? <span className="u">GiB</span> : <span className="u">of {formatGib(whole).text} GiB</span>}</span></div>
      <div className="stackbar" aria-hidden="true">
        <i style={{ width: part(b.weights), background: colour }} />
        <i style={{ width: part(b.cache), background: colour, opacity: 0.7 }} />
        <i style={{ width: part(b.work), background: colour, opacity: 0.45 }} />
        {whole !== null && others !== null && <i style={{ width: part(others), background: 'var(--ink-3)' }} />}
      </div>
      <div className="sub">
        weights {formatGib(b.weights).text} · cache {formatGib(b.cache).text} · work {formatGib(b.work).text}{whole !== null && others !== null ? ` · others ${formatGib(others).text}` : ''}<span className="u">GiB</span>
        {b.hostWeights > 0 && onGpu ? <><br />{formatGib(b.hostWeights).text}<span className="u">GiB</span> of weights in the machine’s memory</> : null}
      </div>
    </div>
  );
}
