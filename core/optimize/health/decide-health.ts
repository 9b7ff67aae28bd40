import type { Backend } from '../../../contract/inference.ts';
import type { ComponentHealth } from '../../../contract/optimize.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Proof, ProofStep, ProofStepName } from '../../../contract/verdict.ts';

/** What the other areas know; nothing is tried for it. */
export interface HealthFacts {
  readonly place: { readonly key: string; readonly name: string };
  readonly driver: { readonly version: string | null; readonly cudaVersion: string | null; readonly problem: Problem | null; readonly simulated: boolean; readonly devices: number; readonly atMs: number };
  /** Null: there is none with torch. */
  readonly environment: { readonly name: string; readonly torch: string | null; readonly build: 'cuda' | 'rocm' | 'xpu' | 'cpu' | 'unknown'; readonly cuda: string | null } | null;
  /** The newest of this environment on this place, also where it does not count any more. */
  readonly proof: Proof | null;
  readonly backends: readonly Backend[];
}

type Part = Omit<ComponentHealth, 'id' | 'title'>;
const part = (state: Part['state'], detail: string, provedAtMs: number | null = null, problem: Problem | null = null): Part => ({ state, detail, provedAtMs, problem });

const titles: Readonly<Record<ComponentHealth['id'], string>> = { driver: 'NVIDIA driver', torch: 'PyTorch', cuda: 'CUDA in PyTorch', cudnn: 'cuDNN', attention: 'Attention kernels', compile: 'torch.compile', llama: 'llama.cpp' };

/** What works, by the last time that it was seen to. Pure. */
export function decideHealth(facts: HealthFacts): ComponentHealth[] {
  const parts: Readonly<Record<ComponentHealth['id'], Part>> = {
    driver: decideDriver(facts),
    torch: decideSteps(facts, ['import'], false, (f) => `PyTorch ${f.torch} in ${f.name} was imported`),
    cuda: decideSteps(facts, ['context', 'allocate', 'matmul_fp32'], true, (f) => `kernels ran and were right${f.cuda === null ? '' : ` (CUDA ${f.cuda})`}`),
    cudnn: decideSteps(facts, ['convolution'], true, () => 'a convolution ran and was right'),
    attention: decideAttention(facts),
    compile: decideSteps(facts, ['compile'], true, () => 'a compiled function ran and was right'),
    llama: decideLlama(facts),
  };
  return (Object.keys(titles) as ComponentHealth['id'][]).map((id) => ({ id, title: titles[id], ...parts[id] }));
}

function decideDriver({ driver }: HealthFacts): Part {
  if (driver.simulated) return part('absent', 'The GPUs that are shown are not real.', null, driver.problem);
  if (driver.version === null && driver.devices === 0) return part('absent', driver.problem?.title ?? 'There is no NVIDIA driver.', null, driver.problem);
  if (driver.problem !== null) return part('fails', driver.problem.title, null, driver.problem);
  return part('works', `Driver ${driver.version ?? 'of unknown version'} answers for ${driver.devices} ${driver.devices === 1 ? 'GPU' : 'GPUs'}.`, driver.atMs);
}

/** What stands in the way before any step is looked at; null: nothing. */
function decideGround({ environment, place }: HealthFacts, onGpu: boolean): Part | null {
  if (environment === null || environment.torch === null) return part('absent', 'There is no PyTorch in this environment.');
  if (!onGpu) return null;
  if (place.key === 'cpu') return part('absent', 'It is looked at on a GPU, and the processor is chosen.');
  return environment.build === 'cpu' ? part('absent', `PyTorch ${environment.torch} is a build for the processor.`) : null;
}

const steps = (proof: Proof | null, names: readonly ProofStepName[]): ProofStep[] => proof?.steps.filter((one) => names.includes(one.name)) ?? [];
const failed = (step: ProofStep): boolean => ['failed', 'crashed', 'hung', 'wrong'].includes(step.state);

/** Proved with another torch or driver: it was true once. */
function decideStale({ environment, proof, driver }: HealthFacts): string | null {
  if (proof === null) return null;
  if (proof.torchVersion !== environment?.torch) return `It was last proved with PyTorch ${proof.torchVersion ?? 'of unknown version'}.`;
  return proof.driverVersion !== driver.version ? `It was last proved with driver ${proof.driverVersion ?? 'of unknown version'}.` : null;
}

function decideSteps(facts: HealthFacts, names: readonly ProofStepName[], onGpu: boolean, words: (environment: { readonly name: string; readonly torch: string; readonly cuda: string | null }) => string): Part {
  const { environment, proof } = facts;
  const ground = decideGround(facts, onGpu);
  if (ground !== null || environment === null || environment.torch === null) return ground ?? part('absent', 'There is no PyTorch in this environment.');
  const own = steps(proof, names);
  const stale = decideStale(facts);
  if (proof === null || own.length === 0) return part('unproved', 'It has not been tried yet. "warpdeck doctor --deep" does.');
  if (stale !== null) return part('unproved', stale, proof.atMs);
  const bad = own.find(failed);
  if (bad !== undefined) return part('fails', bad.text ?? `It ${bad.state === 'wrong' ? 'gives wrong results' : bad.state}.`, proof.atMs, proof.problem);
  if (own.some((one) => one.state === 'skipped')) return part('unproved', own.find((one) => one.state === 'skipped')?.text ?? 'What comes before it did not work.', proof.atMs);
  if (own.every((one) => one.state === 'not_offered')) return part('absent', own[0]?.text ?? 'This PyTorch does not have it.', proof.atMs);
  const said = words({ name: environment.name, torch: environment.torch, cuda: environment.cuda });
  return part('works', `${said.slice(0, 1).toUpperCase()}${said.slice(1)}.`, proof.atMs);
}

const attention = { attention_math: 'math', attention_efficient: 'memory-efficient', attention_flash: 'flash', attention_cudnn: 'cuDNN' } as const;

/** Works where one of the fast kernels does. */
function decideAttention(facts: HealthFacts): Part {
  const names = Object.keys(attention) as (keyof typeof attention)[];
  const own = steps(facts.proof, names);
  if (own.length === 0 || decideGround(facts, true) !== null || decideStale(facts) !== null) return decideSteps(facts, names, true, () => 'attention ran');
  const list = (which: (step: ProofStep) => boolean): string => own.filter(which).map((one) => attention[one.name as keyof typeof attention]).join(', ');
  const good = list((one) => one.state === 'passed');
  const bad = list(failed);
  const fast = own.some((one) => one.name !== 'attention_math' && one.state === 'passed');
  const detail = `${good === '' ? 'None works' : `Works: ${good}`}${bad === '' ? '' : `. Fails: ${bad}`}.`;
  return fast && bad === '' ? part('works', detail, facts.proof?.atMs ?? null) : part(bad !== '' ? 'fails' : 'unproved', detail, facts.proof?.atMs ?? null, bad === '' ? null : (facts.proof?.problem ?? null));
}

function decideLlama({ backends }: HealthFacts): Part {
  const chosen = backends.find((one) => one.chosen && one.trial.state === 'works') ?? backends.find((one) => one.trial.state === 'works');
  if (chosen !== undefined) return part('works', `${chosen.kind === 'cpu' ? 'The build for the processor' : `The ${chosen.kind === 'cuda' ? 'CUDA' : 'Vulkan'} build`}${chosen.release === null ? '' : ` of release ${chosen.release}`} decoded a token. ${chosen.why}`.trim(), chosen.trial.atMs);
  const broken = backends.find((one) => one.trial.state === 'fails');
  if (broken !== undefined && backends.every((one) => one.trial.state === 'fails' || one.trial.state === 'missing')) return part('fails', broken.trial.detail ?? 'No build works here.', broken.trial.atMs, broken.trial.problem);
  if (backends.length === 0 || backends.every((one) => one.trial.state === 'missing')) return part('absent', 'No build of llama.cpp is here.');
  return part('unproved', 'No build has been tried yet. Loading a model does.');
}
