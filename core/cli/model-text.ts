import type { BackendsState, GenerationFigures, LoadedModel } from '../../contract/inference.ts';
import type { MemoryEstimate, Model, ModelList, ModelOutlook, OfferedModel, SpeedPrediction } from '../../contract/models.ts';
import { cleanText } from './display-width.ts';
import { formatDuration, formatFileSize, formatGib, formatPercent, formatThree, formatWhole, NOT_REPORTED } from './format-values.ts';
import { renderTable, type TableColumn } from './text-table.ts';

/** 8.03 B, 135 M */
export function formatParameters(count: number | null): string {
  if (count === null) return NOT_REPORTED;
  return count >= 1e9 ? `${formatThree(count / 1e9)} B` : `${formatThree(count / 1e6)} M`;
}

const homes = { warpdeck: 'Warpdeck', lm_studio: 'LM Studio', ollama: 'Ollama', hugging_face: 'Hugging Face', folder: 'folder' } as const;
const modelColumns: readonly TableColumn[] = [
  { title: 'MODEL', shrinkTo: 20 }, { title: 'QUANTISED' }, { title: 'SIZE', align: 'right' }, { title: 'PARAMETERS', align: 'right', dropOrder: 2 },
  { title: 'CONTEXT', align: 'right', dropOrder: 3 }, { title: 'KEPT BY', dropOrder: 4 }, { title: 'STATE', shrinkTo: 12 }, { title: 'ID', dropOrder: 1 },
];

function modelState(model: Model, loaded: readonly LoadedModel[]): string {
  const here = loaded.find((l) => l.modelId === model.id);
  if (here) return here.state === 'ready' ? 'loaded' : here.state;
  return model.problems[0] === undefined ? 'here' : `x ${model.problems[0].title}`;
}

export function renderModels(list: ModelList, loaded: readonly LoadedModel[], room: number | null): readonly string[] {
  if (list.models.length === 0) return ['No model files were found. "warpdeck models get" fetches SmolLM2-135M-Instruct (98 MB).'];
  return renderTable(modelColumns, list.models.map((model) => [
    cleanText(model.name), model.facts?.quantisation ?? NOT_REPORTED, formatFileSize(model.bytes), formatParameters(model.facts?.parameters ?? null),
    model.facts?.contextTrained == null ? NOT_REPORTED : formatWhole(model.facts.contextTrained), homes[model.home], cleanText(modelState(model, loaded)), model.id,
  ]), room);
}

export function renderOffered(offered: readonly OfferedModel[], room: number | null): readonly string[] {
  return renderTable(
    [{ title: 'ID' }, { title: 'PARAMETERS', align: 'right' }, { title: 'FILES', shrinkTo: 16 }, { title: 'LICENCE', dropOrder: 1 }, { title: 'GOOD FOR', shrinkTo: 16, dropOrder: 2 }],
    offered.map((o) => [o.id, formatParameters(o.parameters), o.files.map((f) => `${f.quantisation} ${f.bytes > 0 ? formatFileSize(f.bytes) : ''}${f.hereAs === null ? '' : ' (here)'}`.trim()).join(', '), o.licence?.name ?? NOT_REPORTED, cleanText(o.note)]), room);
}

const verdicts: Readonly<Record<MemoryEstimate['verdict'], string>> = { fits: '+ fits', fits_after_unload: '! fits after unloading', fits_partly: '! only in part', does_not_fit: 'x does not fit', unknown: 'not known' };

function speedText(speed: SpeedPrediction | undefined): string {
  if (speed?.tokensPerSecond == null) return NOT_REPORTED;
  const value = `${formatThree(speed.tokensPerSecond)} tok/s`;
  if (speed.basis === 'measured') return `${value}, measured`;
  if (speed.basis === 'measured_synthetic') return `${value}, measured with random weights`;
  return `≈ ${value}${speed.low === null || speed.high === null ? '' : ` (${formatThree(speed.low)} to ${formatThree(speed.high)})`}`;
}

/** What a model would take and give on every place. */
export function renderOutlook(outlook: ModelOutlook, room: number | null): readonly string[] {
  const rows = outlook.memory.map((m) => [
    cleanText(m.placeName), verdicts[m.verdict], formatGib(m.totalBytes), formatGib(m.freeBytes), formatGib(m.weightsBytes), formatGib(m.cacheBytes), formatGib(m.workBytes), formatWhole(m.contextTokens), `${String(m.gpuLayers)} of ${String(m.layers)}`,
    speedText(outlook.speed.find((s) => s.place === m.place)),
  ]);
  const error = outlook.memory.find((m) => m.ownError !== null)?.ownError;
  const copied = outlook.memory.find((m) => (m.copiedBytes ?? 0) > 0);
  const why = outlook.speed.find((s) => s.tokensPerSecond === null && s.why !== null)?.why;
  return [
    ...renderTable([{ title: 'PLACE', shrinkTo: 12 }, { title: 'MEMORY' }, { title: 'NEEDS', align: 'right' }, { title: 'FREE', align: 'right' }, { title: 'WEIGHTS', align: 'right', dropOrder: 3 }, { title: 'CACHE', align: 'right', dropOrder: 3 }, { title: 'WORK', align: 'right', dropOrder: 3 }, { title: 'CONTEXT', align: 'right', dropOrder: 1 }, { title: 'ON GPU', align: 'right', dropOrder: 2 }, { title: 'SPEED' }], rows, room),
    ...(error ? [`Earlier estimates here were off by ${formatPercent(error.medianPercent)} (median of ${String(error.loads)} loads; at worst ${formatPercent(error.worstPercent)}).`] : []),
    ...(copied ? [`Of the weights on ${cleanText(copied.placeName)}, ${formatGib(copied.copiedBytes ?? 0)} are copies that llama.cpp rearranges for this processor.${copied.reclaimableBytes === undefined ? '' : ` The ${formatGib(copied.reclaimableBytes)} of the file behind them are given back when memory is short, so they need not be free.`}`] : []),
    ...(why ? [`No speed is predicted: ${cleanText(why)}`] : []),
  ];
}

export function renderModel(model: Model): readonly string[] {
  const f = model.facts;
  const rows: readonly (readonly [string, string])[] = [
    ['Model', cleanText(model.name)], ['File', cleanText(model.path)], ['Size', `${formatFileSize(model.bytes)}${model.files.length > 1 ? ` in ${String(model.files.length)} parts` : ''}`], ['Id', model.id],
    ...(f === null ? [] : [
      ['Architecture', cleanText(f.architecture)], ['Quantised', `${f.quantisation} (${f.types.slice(0, 3).map((t) => `${t.type} ${formatPercent((100 * t.bytes) / Math.max(1, f.bytes.total))}`).join(', ')})`],
      ['Parameters', f.activeParameters === f.parameters ? formatParameters(f.parameters) : `${formatParameters(f.parameters)}, ${formatParameters(f.activeParameters)} at work`],
      ['Layers', String(f.layers)], ['Context', f.contextTrained === null ? NOT_REPORTED : `${formatWhole(f.contextTrained)} tokens`], ['Tokenizer', cleanText(f.tokenizer ?? NOT_REPORTED)],
      ['Template', f.template === null ? 'none: not made for chat' : `${f.template.family ?? 'custom'}${f.template.tools ? ', knows tools' : ''}${f.template.refused === null ? '' : `, refused: ${cleanText(f.template.refused)}`}`],
      ['Licence', cleanText(f.licence?.name ?? f.licence?.id ?? NOT_REPORTED)],
    ] as const),
    ...(model.origin === null ? [] : [['From', cleanText(model.origin.repository ?? model.origin.url)] as const, ['Checksum', model.origin.sha256 === null ? 'not known' : model.origin.verified ? 'matches' : 'not checked'] as const]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

const truthMarks = { green: '+', amber: '!', red: 'x', grey: ' ' } as const;

export function renderLoaded(loaded: readonly LoadedModel[], room: number | null): readonly string[] {
  if (loaded.length === 0) return ['No model is in memory.'];
  return renderTable(
    [{ title: 'MODEL', shrinkTo: 16 }, { title: 'STATE' }, { title: 'WHERE', shrinkTo: 20 }, { title: 'LAYERS', align: 'right' }, { title: 'CONTEXT', align: 'right', dropOrder: 2 }, { title: 'MEMORY', align: 'right' }, { title: 'SPEED', align: 'right' }, { title: 'REQUESTS', align: 'right', dropOrder: 3 }, { title: 'PID', align: 'right', dropOrder: 4 }, { title: 'ID', dropOrder: 1 }],
    loaded.map((l) => [
      `${cleanText(l.name)} ${l.quantisation}`, l.state === 'loading' && l.progress !== null ? `loading ${formatPercent(l.progress * 100)}` : l.state, `${truthMarks[l.truth.colour]} ${cleanText(l.truth.title)}${l.backendId === null ? '' : ` (${l.backendId})`}`,
      `${String(l.truth.layersOnGpu)} of ${String(l.truth.layers)}`, l.contextTokens === null ? NOT_REPORTED : formatWhole(l.contextTokens), l.bytes === null ? NOT_REPORTED : formatGib(l.bytes.weights + l.bytes.hostWeights + l.bytes.cache + l.bytes.work),
      l.tokensPerSecondAverage === null ? NOT_REPORTED : `${formatThree(l.tokensPerSecondAverage)} tok/s`, `${String(l.requestsActive)}+${String(l.requestsQueued)}`, l.pid === null ? NOT_REPORTED : String(l.pid), l.id,
    ]), room);
}

export function renderBackends(state: BackendsState, room: number | null): readonly string[] {
  const rows = state.backends.map((b) => [`${b.chosen ? '>' : ' '} ${b.id}`, b.release ?? NOT_REPORTED, b.trial.state, [...b.sass, ...b.ptx].join(' ') || NOT_REPORTED, cleanText(b.why)]);
  const libraries = state.backends.flatMap((b) => b.runtime.map((r) => `  ${r.library}: ${r.path === null ? 'not found' : `${cleanText(r.path)}${r.from === null ? '' : ` (${cleanText(r.from)})`}`}`));
  return [
    ...renderTable([{ title: '  BUILD' }, { title: 'LLAMA.CPP' }, { title: 'TRIAL' }, { title: 'KERNELS', dropOrder: 1, shrinkTo: 16 }, { title: 'WHY', shrinkTo: 20 }], rows, room),
    ...(libraries.length > 0 ? ['', 'CUDA runtime', ...libraries] : []),
    ...state.offers.flatMap((o) => ['', `${o.possible ? '' : 'Not possible here: '}${cleanText(o.title)}. ${cleanText(o.why)}${o.bytes === null ? '' : ` (${formatFileSize(o.bytes)})`}`, ...o.needs.map((n) => `  ${n.met ? '+' : 'x'} ${cleanText(n.text)}${n.detail === null ? '' : `: ${cleanText(n.detail)}`}`)]),
  ];
}

/** One quiet line under an answer. What is not reported is left out. */
export function describeFigures(f: GenerationFigures): string {
  const count = (tokens: number | null): string | null => (tokens === null ? null : formatWhole(tokens));
  const prompt = count(f.promptTokens);
  const kept = f.cachedTokens === null || f.cachedTokens === 0 ? '' : ` (${formatWhole(f.cachedTokens)} kept)`;
  const parts = [
    f.decodeTokensPerSecond === null ? null : `${formatThree(f.decodeTokensPerSecond)} tok/s`,
    f.firstTokenMs === null ? null : `first token ${formatThree(f.firstTokenMs)} ms`,
    f.answerTokens === null ? null : `${formatWhole(f.answerTokens)} tokens`,
    prompt === null ? null : `prompt ${prompt} tokens${f.promptTokensPerSecond === null ? '' : ` at ${formatThree(f.promptTokensPerSecond)} tok/s`}${kept}`,
    `${formatThree(f.seconds)} s`,
    f.joulesPerToken === null ? null : `${formatThree(f.joulesPerToken)} J/token`,
    f.rooflineShare === null ? null : `${formatPercent(f.rooflineShare * 100)} of the roofline`,
    f.contextUsed === null || f.contextTokens === null ? null : `context ${formatWhole(f.contextUsed)} of ${formatWhole(f.contextTokens)}`,
    `seed ${String(f.seed)}`,
  ];
  return parts.filter((p) => p !== null).join(' · ');
}

export const describeLeft = (bytesPerSecond: number | null, secondsLeft: number | null): string => [bytesPerSecond === null ? null : `${formatFileSize(bytesPerSecond)}/s`, secondsLeft === null ? null : `${formatDuration(secondsLeft)} left`].filter((t) => t !== null).join(', ');
