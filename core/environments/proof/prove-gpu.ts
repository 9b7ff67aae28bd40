import { z } from 'zod';
import { problemOf } from '../../../contract/problem.ts';
import { proofStep, proofStepName, type ProofStep, type ProofStepName } from '../../../contract/verdict.ts';
import type { RunScript } from '../python/run-script.ts';

/** Limits, ms. Tests shorten them. */
export interface ProofLimits {
  /** Until the interpreter speaks. */
  readonly startMs: number;
  /** Import, and start of CUDA. A first import read gigabytes for 25 s; from a slow disk and without bytecode it takes more. */
  readonly importMs: number;
  /** One kernel step: the driver may have to compile for minutes when there is only PTX. */
  readonly stepMs: number;
  readonly totalMs: number;
}
export const proofLimits: ProofLimits = { startMs: 30_000, importMs: 120_000, stepMs: 180_000, totalMs: 1_200_000 };

const stepItem = proofStep.extend({ kind: z.literal('step'), text: z.string().max(20_000).nullable() });

export interface ProveGpuOptions {
  readonly python: string;
  /** `GPU-…`, `MIG-…` or `cpu`. */
  readonly gpuKey: string;
  readonly steps: readonly ProofStepName[];
  readonly runScript: RunScript;
  readonly signal: AbortSignal;
  readonly limits: ProofLimits;
  readonly log: (text: string) => void;
  readonly onDoing: (step: ProofStepName, done: number) => void;
}

/**
 * Runs the steps on one GPU. One child takes them in order and says before each what it begins, so a crash or a hang
 * names the step; the rest goes on in a fresh child. An import costs 4 to 5 s, a step mostly less than 0.3 s (H100,
 * torch 2.11): a child a step would take four times as long and prove no more.
 * @throws ProblemError `program.*`; on abort the signal's reason.
 */
export async function proveGpu(options: ProveGpuOptions): Promise<ProofStep[]> {
  const done = new Map<ProofStepName, ProofStep>();
  const finish = (step: ProofStep): void => {
    done.set(step.name, step);
    options.log(describe(step));
  };
  const left = (): ProofStepName[] => options.steps.filter((name) => !done.has(name));
  // Nothing after these can run without them.
  const blocked = (): boolean => [done.get('import'), done.get('context')].some((step) => step !== undefined && step.state !== 'passed' && step.state !== 'not_offered');

  // Each turn ends at least one step, so there are at most as many children as steps.
  while (left().length > 0 && !blocked()) {
    const before = left();
    const [first] = before;
    if (first === undefined) break;
    let inFlight: ProofStepName = first;
    let inFlightSince = performance.now();
    const end = (state: ProofStep['state'], text: string): void => {
      const name = done.has(inFlight) ? left()[0] ?? first : inFlight;
      finish({ name, state, error: null, tolerance: null, tookMs: Math.round(performance.now() - inFlightSince), text });
    };
    try {
      await options.runScript({
        python: options.python, script: 'prove_step.py', args: ['--gpu', options.gpuKey, '--steps', before.join(',')], signal: options.signal,
        env: { CUDA_VISIBLE_DEVICES: options.gpuKey === 'cpu' ? '' : options.gpuKey },
        startTimeoutMs: options.limits.startMs,
        idleTimeoutMs: (doing) => (doing === null || doing === 'import' || doing === 'context' ? options.limits.importMs : options.limits.stepMs),
        totalTimeoutMs: options.limits.totalMs,
        onLog: options.log,
        onProgress({ doing }) {
          const name = proofStepName.safeParse(doing).data;
          // In a later child import and context are only the way to the first step of it.
          if (name === undefined || !before.includes(name)) return;
          inFlight = name;
          inFlightSince = performance.now();
          options.onDoing(name, done.size);
        },
        onItem(data) {
          const item = stepItem.safeParse(data).data;
          if (item === undefined || !before.includes(item.name) || done.has(item.name)) return;
          const { kind: _, ...step } = item;
          finish(step);
        },
      });
      if (left().length === before.length) end('failed', 'The script ended without a word about it.');
    } catch (error) {
      const problem = problemOf(error);
      if (problem === null || (problem.code !== 'python.failed' && problem.code !== 'python.garbage')) throw error;
      const how = problem.facts['how'];
      const state = how === 'signal' || how === 'exit' ? 'crashed' : how === 'start' || how === 'idle' || how === 'total' ? 'hung' : 'failed';
      end(problem.code === 'python.garbage' ? 'failed' : state, String(problem.facts['detail'] ?? problem.cause));
    }
  }
  for (const name of left()) done.set(name, { name, state: 'skipped', error: null, tolerance: null, tookMs: null, text: 'An earlier step did not pass.' });
  return options.steps.flatMap((name) => done.get(name) ?? []);
}

function describe(step: ProofStep): string {
  const numbers = step.error === null || step.tolerance === null ? '' : `, error ${step.error.toExponential(1)} of ${step.tolerance.toExponential(1)} allowed`;
  const took = step.tookMs === null ? '' : `, ${step.tookMs.toFixed(0)} ms`;
  return `${step.name}: ${step.state.replace('_', ' ')}${numbers}${took}${step.text === null ? '' : `: ${step.text.split('\n')[0] ?? ''}`}`;
}
