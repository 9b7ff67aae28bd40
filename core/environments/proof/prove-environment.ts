import { randomBytes } from 'node:crypto';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { proofStepName, type GpuTarget, type Proof, type ProofStepName, type VerdictWord } from '../../../contract/verdict.ts';
import type { RunScript } from '../python/run-script.ts';
import { parseCudaLabel } from './decide-import-failure.ts';
import { decideProof } from './decide-proof.ts';
import { proofLimits, proveGpu, type ProofLimits } from './prove-gpu.ts';
import { requirePython } from './require-python.ts';
import { stepTitles } from './step-words.ts';

export interface ProveOptions {
  readonly environment: Pick<FoundEnvironment, 'id' | 'prefix' | 'python'>;
  /** Those with a UUID are proved, one after the other; without any, the processor is. */
  readonly targets: readonly Pick<GpuTarget, 'key' | 'name'>[];
  readonly predicted: (gpuKey: string) => VerdictWord;
  readonly torchVersion: string | null;
  readonly driverVersion: string | null;
  /** Null: all. Import and context always come first. */
  readonly steps: readonly ProofStepName[] | null;
  readonly runScript: RunScript;
  readonly context: {
    readonly signal: AbortSignal;
    progress(p: { readonly fraction: number | null; readonly doing?: string }): void;
    log(text: string): void;
  };
  readonly limits?: ProofLimits;
}

/** Of the processor: enough to know that this torch computes. */
const CPU_STEPS: ReadonlySet<ProofStepName> = new Set(['import', 'matmul_fp32']);
const isUuid = (key: string): boolean => /^(GPU|MIG)-[\w/-]{1,100}$/.test(key);

/**
 * Runs kernels of this environment's torch on each GPU and holds the results against fp64 and against what the files
 * promised. Runs the environment's code.
 * @throws ProblemError `env.interpreter_missing`, `program.*`; on abort the signal's reason. All else is in the proofs.
 */
export async function proveEnvironment(options: ProveOptions): Promise<Proof[]> {
  const { context, environment } = options;
  const python = requirePython(environment);
  const gpus = options.targets.filter((target) => isUuid(target.key));
  const subjects = gpus.length > 0 ? gpus : [{ key: 'cpu', name: 'the processor' }];
  const proofs: Proof[] = [];
  for (const [i, gpu] of subjects.entries()) {
    const onCpu = gpu.key === 'cpu';
    const steps = proofStepName.options.filter((name) => (onCpu ? CPU_STEPS.has(name) : name === 'import' || name === 'context' || options.steps === null || options.steps.includes(name)));
    const atMs = Date.now();
    const started = performance.now();
    context.log(`Proving on ${gpu.name} (${gpu.key}).`);
    const done = await proveGpu({
      python, gpuKey: gpu.key, steps, runScript: options.runScript, signal: context.signal, limits: options.limits ?? proofLimits,
      log: (text) => { context.log(text); },
      onDoing: (name, count) => { context.progress({ fraction: (i + count / steps.length) / subjects.length, doing: `${gpu.name}: ${stepTitles[name]}` }); },
    });
    const predicted = options.predicted(gpu.key);
    proofs.push({
      id: `proof-${atMs.toString(36)}-${randomBytes(4).toString('hex')}`,
      environmentId: environment.id, gpuKey: gpu.key, gpuName: gpu.name, atMs, tookMs: Math.round(performance.now() - started),
      torchVersion: options.torchVersion, driverVersion: options.driverVersion, steps: done, predicted,
      ...decideProof(done, predicted, { gpuName: gpu.name, cudaMajor: parseCudaLabel(options.torchVersion), onCpu }),
    });
  }
  return proofs;
}
