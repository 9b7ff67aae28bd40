/** Loads one model. Nothing is chosen here: the engine has decided everything; what was really done is reported. */
import { basename } from 'node:path';
import type { Llama, LlamaContext, LlamaModel, LlamaOptions } from 'node-llama-cpp';
import type { WorkerLoadInput } from '../../contract/inference-worker.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { resolveChatTemplate } from './chat-template.ts';
import { decideLoadProblem, type FailedLoad } from './decide-load-problem.ts';
import type { Engine } from './engine.ts';
import { importLibrary, type Library } from './library.ts';
import { createLoadLog, parseFlashAttention, parseOffloaded, pickSaid, pickTrouble, sumCacheBytes } from './load-log.ts';
import { createDecoder } from './create-decoder.ts';
import { tuneContext } from './tune-context.ts';

/** Places of all contexts together that are laid out to count their bytes; each takes some bytes for that. */
const MAX_CELLS = 2 ** 24;
/** The log comes over from another thread: it is waited for until it is silent. */
const LOG_SILENCE_MS = 10;
const LOG_DEADLINE_MS = 500;

/** @throws ProblemError with llama.cpp's own reason */
export async function loadEngine(input: WorkerLoadInput, onProgress: (progress: number) => void): Promise<Engine> {
  const log = createLoadLog();
  const startedAtMs = performance.now();
  const library = await importLibrary(input.engineFolder, { selfTest: input.selfTest }).catch((error: unknown) => {
    throw problemError('engine.backend_fails', { kind: input.backend, detail: error instanceof Error ? error.message : String(error), remedy: 'Build it again, or choose another backend.' }, { cause: error });
  });
  const onGpu = input.backend !== 'cpu';
  const options: LlamaOptions = {
    gpu: input.backend === 'cpu' ? false : input.backend,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    // No limit by the library: the context is told its threads.
    maxThreads: 0,
    vramPadding: 0,
    ramPadding: 0,
    logLevel: library.LlamaLogLevel.info,
    logger: (_level, message) => log.add(message),
  };
  const llama = await library.getLlama(options).catch((error: unknown) => {
    const detail = pickTrouble(log.lines())[0] ?? (error instanceof Error ? error.message : String(error));
    throw problemError('engine.backend_fails', { kind: input.backend, detail, remedy: 'Choose another backend, or look at the engine page for what is missing.' }, { cause: error });
  });
  const engineAtMs = performance.now();
  const got = llama.gpu === false ? 'cpu' : llama.gpu;
  if (got !== input.backend) {
    // Without its self-test the library goes on with what is left when a backend's libraries are not found.
    await log.quiet(LOG_SILENCE_MS, LOG_DEADLINE_MS);
    const detail = pickTrouble(log.lines())[0] ?? `llama.cpp has loaded its ${got} backend instead.`;
    await llama.dispose().catch(() => undefined);
    throw problemError('engine.backend_fails', { kind: input.backend, detail, remedy: 'Choose another backend, or look at the engine page for what is missing.' });
  }
  const release = llama.llamaCppRelease.release;
  const fail = async (step: FailedLoad['step'], path: string, error: unknown): Promise<never> => {
    await log.quiet(LOG_SILENCE_MS, LOG_DEADLINE_MS);
    const freeBytes = onGpu ? await llama.getVramState().then((state) => state.free, () => null) : process.availableMemory();
    const problem = decideLoadProblem({ name: basename(path), path, release, contextTokens: input.contextTokens, step, error, lines: log.lines(), place: onGpu ? 'the GPU' : 'this machine', freeBytes, onGpu });
    await llama.dispose().catch(() => undefined);
    throw problem;
  };

  const model = await loadModel(llama, input, (progress) => onProgress(progress * 0.9)).catch((error: unknown) => fail('model', input.modelPath, error));
  const modelAtMs = performance.now();
  // The check below silences the library meanwhile: lines of the load that still wait to be told would be lost.
  await log.quiet(LOG_SILENCE_MS, LOG_DEADLINE_MS);
  await refuseWithoutMemory(library, model, input).catch(async (problem: unknown) => {
    await llama.dispose().catch(() => undefined);
    throw problem;
  });
  const context = await createContext(model, input).catch((error: unknown) => fail('context', input.modelPath, error));
  const contextAtMs = performance.now();
  onProgress(0.95);

  const template = await Promise.resolve()
    .then(() => resolveChatTemplate(library, model, input.template))
    .catch((error: unknown) => fail('model', input.modelPath, error));
  tuneContext(context, { oneThread: process.env['UV_THREADPOOL_SIZE'] === '1' });
  // Before a draft model tells of its own placement.
  await log.quiet(LOG_SILENCE_MS, LOG_DEADLINE_MS);
  const lines = [...log.lines()];
  const decoder = await createDecoder(library, llama, context, input).catch((error: unknown) => fail('draft', input.draft?.modelPath ?? input.modelPath, error));
  const deviceNames = onGpu ? await llama.getGpuDeviceNames().catch(() => []) : [];
  const layers = model.fileInsights.totalLayers;
  const cache = sumCacheBytes(lines);
  const weights = model.memoryUsage;
  const rest = context.memoryUsage;
  onProgress(1);

  return {
    library,
    llama,
    model,
    context,
    template,
    decoder,
    log,
    input,
    usableTokens: context.contextSize - 1,
    report: {
      release,
      backend: llama.gpu === 'cuda' || llama.gpu === 'vulkan' ? llama.gpu : 'cpu',
      deviceNames: [...deviceNames],
      layers: parseOffloaded(lines)?.of ?? layers,
      gpuLayers: parseOffloaded(lines)?.on ?? (onGpu ? model.gpuLayers : 0),
      contextTokens: context.contextSize,
      batch: context.batchSize,
      threads: context.idealThreads,
      flashAttention: parseFlashAttention(lines, input.flashAttention),
      vocabulary: model.fileInfo.metadata.tokenizer.ggml.tokens.length,
      template: { name: template.name, tools: template.tools, thinking: template.marks !== null },
      // The library's figures are exact; only the share of the cache is told by the log alone.
      bytes: { weights: onGpu ? weights.vram : weights.ram, hostWeights: onGpu ? weights.ram : 0, cache, work: Math.max(0, rest.ram + rest.vram - cache) },
      said: pickSaid(lines),
      seconds: { engine: (engineAtMs - startedAtMs) / 1000, model: (modelAtMs - engineAtMs) / 1000, context: (contextAtMs - modelAtMs) / 1000 },
    },
    dispose: () => llama.dispose(),
  };
}

function loadModel(llama: Llama, input: WorkerLoadInput, onProgress: (progress: number) => void): Promise<LlamaModel> {
  return llama.loadModel({
    modelPath: input.modelPath,
    gpuLayers: input.gpuLayers,
    useMmap: input.mmap,
    useMlock: input.mlock,
    checkTensors: input.checkTensors,
    // The engine has compared the need with what is free; the library's estimate refuses what fits.
    ignoreMemorySafetyChecks: true,
    onLoadProgress: onProgress,
  });
}

/**
 * The machine's own memory is given on credit and taken when it is written to: the kernel would then end a process, not
 * refuse. A GPU's is refused by its driver. @throws ProblemError `load.no_memory`
 */
async function refuseWithoutMemory(library: Library, model: LlamaModel, input: WorkerLoadInput): Promise<void> {
  const type = (name: WorkerLoadInput['cacheTypeK']) => library.GgmlType[name.toUpperCase() as 'F16'];
  // The figure is llama.cpp's own, made by laying out the cache: for very many places it is made for fewer.
  const scale = Math.max(1, (input.contextTokens * input.parallel) / MAX_CELLS);
  const { cpuRam } = await model.fileInsights.estimateContextResourceRequirementsV2({
    contextSize: Math.floor(input.contextTokens / scale), modelGpuLayers: model.gpuLayers, sequences: input.parallel, kvCacheKeyType: type(input.cacheTypeK), kvCacheValueType: type(input.cacheTypeV),
    flashAttention: input.flashAttention === 'auto' ? 'auto' : input.flashAttention === 'on', ...(input.batch === null ? {} : { batchSize: input.batch }),
  });
  const free = process.availableMemory();
  if (cpuRam * scale <= free) return;
  const text = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
  throw problemError('load.no_memory', { name: basename(input.modelPath), contextTokens: input.contextTokens, need: text(cpuRam * scale), place: 'this machine', free: text(free), remedy: 'Choose a shorter context or a quantised cache, or unload another model.' });
}

function createContext(model: LlamaModel, input: WorkerLoadInput): Promise<LlamaContext> {
  const cacheType = (type: WorkerLoadInput['cacheTypeK']): 'F16' => type.toUpperCase() as 'F16';
  return model.createContext({
    contextSize: input.contextTokens,
    sequences: input.parallel,
    threads: { ideal: input.threads, min: input.threads },
    flashAttention: input.flashAttention === 'auto' ? 'auto' : input.flashAttention === 'on',
    experimentalKvCacheKeyType: cacheType(input.cacheTypeK),
    experimentalKvCacheValueType: cacheType(input.cacheTypeV),
    ...(input.batch === null ? {} : { batchSize: input.batch }),
    ignoreMemorySafetyChecks: true,
    // A shorter context than asked for is no help but a surprise.
    failedCreationRemedy: false,
  });
}
