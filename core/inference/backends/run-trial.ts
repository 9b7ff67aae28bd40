import type { BackendKind } from '../../../contract/inference.ts';
import type { WorkerLoadReport } from '../../../contract/inference-worker.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { createModelProcess } from '../loaded/model-process.ts';
import { kindNames, type InstalledBackend } from './backend-parts.ts';
import { readLoadError } from './read-load-error.ts';

export interface TrialInput {
  readonly supervisor: Supervisor;
  readonly log: Logger;
  readonly backend: InstalledBackend;
  /** Where the CUDA runtime lies, which GPUs it sees. */
  readonly env: Readonly<Record<string, string>>;
  /** The tiny model. */
  readonly modelPath: string;
  /** ms; longer where the driver has to compile kernels first. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}
export interface TrialOutcome {
  readonly state: 'works' | 'fails';
  readonly seconds: number;
  readonly detail: string;
  readonly problem: Problem | null;
  /** The same trial would end so again; not when memory was short or time ran out. */
  readonly lasting: boolean;
  /** Names of the GPUs that it used, as the backend calls them. */
  readonly deviceNames: readonly string[];
}

const TOKENS = 16;
/** CUDA with its libraries takes up to 1.5 GB of the machine's memory; the model half a megabyte. */
const MEMORY_LIMIT = 8e9;
let runs = 0;

/** What the report and the speed say of a decode that came to its end. Pure. */
export function decideTrialOutcome(kind: BackendKind, report: Pick<WorkerLoadReport, 'backend' | 'deviceNames' | 'gpuLayers' | 'layers'>, decode: readonly number[]): { readonly works: boolean; readonly detail: string } {
  const name = kindNames[kind];
  const speed = decode[0] ?? Number.NaN;
  if (report.backend !== kind) return { works: false, detail: `Asked for ${name}, llama.cpp used the ${kindNames[report.backend]}.` };
  if (!(speed > 0) || !Number.isFinite(speed)) return { works: false, detail: 'No token was decoded.' };
  const rate = `${Math.round(speed)} tokens a second with the trial model`;
  if (kind === 'cpu') return { works: true, detail: `${TOKENS} tokens were decoded (${rate}).` };
  const { deviceNames } = report;
  if (deviceNames.length === 0) return { works: false, detail: `${name} found no GPU.` };
  // Mesa's and Google's Vulkan on a processor.
  if (deviceNames.every((device) => /llvmpipe|lavapipe|swiftshader/i.test(device))) return { works: false, detail: `${name} found only a processor that plays a GPU (${deviceNames.join(', ')}).` };
  if (report.gpuLayers < report.layers) return { works: false, detail: `Only ${report.gpuLayers} of ${report.layers} layers were put on the GPU.` };
  return { works: true, detail: `${TOKENS} tokens were decoded on ${deviceNames.join(', ')} (${rate}).` };
}

/**
 * Loads the tiny model on a backend with all layers and decodes 16 tokens, in a process that may die of it.
 * Never rejects, except with the reason of `signal`.
 */
export async function runTrial({ supervisor, log, backend, env, modelPath, limitMs, signal }: TrialInput): Promise<TrialOutcome> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedAt) / 10) / 100;
  const died: { problem: Problem | null } = { problem: null };
  // A name is a worker's identity: two trials of one backend (before and after a build) are two workers.
  const model = createModelProcess({
    supervisor, log, env, name: `inference:trial-${backend.id}-${++runs}`, memoryLimitBytes: MEMORY_LIMIT,
    onGeneration: () => undefined, onProgress: () => undefined, onDeath: (problem) => { died.problem = problem; },
  });
  const onAbort = (): void => void model.kill();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const report = await model.load({
      engineFolder: backend.engineFolder, selfTest: true, backend: backend.kind, modelPath, gpuLayers: backend.kind === 'cpu' ? 0 : 1000, contextTokens: 256, batch: null, threads: 1, flashAttention: 'auto',
      cacheTypeK: 'f16', cacheTypeV: 'f16', mmap: true, mlock: false, parallel: 1, checkTensors: false, template: 'builtin', draft: null, spin: false, promptChunk: 256,
    }, limitMs);
    const { decode } = await model.measure({ promptTokens: 16, decodeTokens: TOKENS, depth: 0, repeats: 1 }, limitMs);
    const { works, detail } = decideTrialOutcome(backend.kind, report, decode);
    return { state: works ? 'works' : 'fails', seconds: seconds(), detail, problem: works ? null : failure(backend.kind, detail, []), lasting: true, deviceNames: report.deviceNames };
  } catch (error) {
    signal.throwIfAborted();
    const problem = problemOf(error);
    if (problem === null) throw error;
    const found = died.problem ?? problem;
    // The library's own test of a build swallows what the loader said.
    const loader = found.code.startsWith('worker.') && died.problem !== null ? null : await readLoadError(supervisor, backend.library, { ...env }, signal);
    // "Failed" counts deaths; what ended the process stands behind it.
    const death = found.code === 'worker.failed' ? found.chain[0]?.replace(/^[\w.]+: /, '') : undefined;
    const detail = loader ?? death ?? found.cause;
    const chain = [`${found.code}: ${found.cause}`, ...found.chain];
    return { state: 'fails', seconds: seconds(), detail, problem: failure(backend.kind, detail, chain), lasting: isLasting([detail, ...chain]), deviceNames: [] };
  } finally {
    signal.removeEventListener('abort', onAbort);
    await model.stop();
  }
}

/** Pure; the words are those of CUDA, of llama.cpp and of our own Problems. */
export function isLasting(said: readonly string[]): boolean {
  return !said.some((text) => /out of memory|out_of_memory|no_memory|not enough memory|failed to allocate|worker\.(?:start_timeout|unresponsive|gone)/i.test(text));
}

const failure = (kind: BackendKind, detail: string, chain: readonly string[]): Problem =>
  makeProblem('engine.backend_fails', { kind: kindNames[kind], detail, remedy: kind === 'cpu' ? 'Install Warpdeck again.' : 'Update the driver, or build llama.cpp here ("warpdeck engine build").' }, { chain });
