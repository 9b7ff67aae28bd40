import type { EngineSettings } from '../../../contract/inference.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import { backendOrder, kindNames, type BackendId, type DevicePromise, type Trial } from './backend-parts.ts';
import type { BackendKind } from '../../../contract/inference.ts';

/** What is known of one backend when one is to be chosen. */
export interface Candidate {
  readonly id: BackendId;
  readonly kind: BackendKind;
  readonly trial: Pick<Trial, 'state' | 'detail' | 'problem' | 'seconds'>;
  readonly promises: readonly DevicePromise[];
}

export interface ChoiceQuestion {
  readonly wish: Pick<EngineSettings, 'backend' | 'devices'>;
  readonly candidates: readonly Candidate[];
  readonly gpus: readonly { readonly uuid: string; readonly name: string }[];
}

export type Choice =
  /** Tried, and it works. */
  | { readonly t: 'chosen'; readonly id: BackendId; readonly why: string }
  /** This one must be tried first. */
  | { readonly t: 'try'; readonly id: BackendId }
  | { readonly t: 'none'; readonly problem: Problem };

const names: Readonly<Record<BackendId, string>> = {
  'cuda-given': 'the CUDA build that was given (WARPDECK_LLAMA_CUDA)', 'cuda-local': 'the CUDA build made here', cuda: 'the CUDA build that ships',
  vulkan: 'the Vulkan build', 'cpu-local': 'the processor build made here', cpu: 'the processor build that ships',
};
export const backendName = (id: BackendId): string => names[id];
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const full = (sentence: string): string => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);

/** Why a backend is not used; null: nothing is known against it. */
function against(candidate: Candidate, devices: readonly string[]): string | null {
  const { trial, promises } = candidate;
  if (trial.state === 'missing' || trial.state === 'fails') return trial.detail ?? 'It does not run.';
  const named = promises.filter((p) => devices.includes(p.uuid) && p.promise === 'incompatible');
  return named.length === 0 ? null : named.map((p) => `${p.name}: ${p.why}`).join(' ');
}

/**
 * The backend for a wish. Asked for by name: that one or a Problem. `auto`: CUDA, then Vulkan, then the processor; with
 * GPUs named, or GPUs there, what was passed over is said. Pure.
 */
export function decideChoice({ wish, candidates, gpus }: ChoiceQuestion): Choice {
  const { backend, devices } = wish;
  const unknown = devices.filter((uuid) => !gpus.some((gpu) => gpu.uuid === uuid));
  if (unknown.length > 0 && backend !== 'cpu') return none(`${unknown.join(', ')} ${unknown.length === 1 ? 'is' : 'are'} not among the GPUs that answer here${gpus.length === 0 ? '; none does' : ''}.`, 'Name a GPU that "warpdeck gpus" lists, or none.');
  const ordered = backendOrder.flatMap((id) => candidates.filter((c) => c.id === id));
  const fits = (kind: BackendKind): boolean => {
    if (backend !== 'auto') return kind === backend;
    // Without a GPU of NVIDIA nothing but the processor is chosen unasked: Vulkan may be a processor in disguise.
    return gpus.length === 0 ? kind === 'cpu' : devices.length === 0 || kind !== 'cpu';
  };
  const passed: { readonly candidate: Candidate; readonly reason: string }[] = [];
  for (const candidate of ordered.filter((c) => fits(c.kind))) {
    const reason = against(candidate, devices);
    if (reason !== null) {
      passed.push({ candidate, reason });
      continue;
    }
    if (candidate.trial.state !== 'works') return { t: 'try', id: candidate.id };
    return { t: 'chosen', id: candidate.id, why: explain(candidate, wish, passed, gpus) };
  }
  if (backend === 'auto') {
    const reasons = passed.map(({ candidate, reason }) => full(`${capital(names[candidate.id])}: ${reason}`)).join(' ');
    return none(reasons === '' ? 'No build of llama.cpp is installed.' : reasons, devices.length > 0 ? 'Name no GPU to let it run on the processor, or build llama.cpp here ("warpdeck engine build").' : 'Install Warpdeck again, or build llama.cpp here ("warpdeck engine build").');
  }
  const told = passed.find((p) => p.candidate.trial.problem !== null) ?? passed[0];
  const known = told?.candidate.trial.problem;
  if (known !== null && known !== undefined && told?.reason === told?.candidate.trial.detail) return { t: 'none', problem: known };
  const remedy = gpus.length === 0 ? 'Choose another backend.' : 'Choose another backend or GPU, or build llama.cpp here ("warpdeck engine build").';
  return { t: 'none', problem: makeProblem('engine.backend_fails', { kind: kindNames[backend], detail: told?.reason ?? 'It is not installed.', remedy }) };

  function none(detail: string, remedy: string): Choice {
    return { t: 'none', problem: makeProblem('engine.no_backend', { detail, remedy }) };
  }
}

function explain(candidate: Candidate, wish: ChoiceQuestion['wish'], passed: readonly { readonly candidate: Candidate; readonly reason: string }[], gpus: ChoiceQuestion['gpus']): string {
  const name = capital(names[candidate.id]);
  const worked = full(`${name} runs here${candidate.trial.detail === null ? '' : `: ${candidate.trial.detail}`}`);
  if (wish.backend !== 'auto') return `Asked for by name. ${worked}`;
  if (candidate.kind === 'cpu' && gpus.length === 0) return `No NVIDIA GPU answers on this machine, so the model runs on the processor. ${worked}`;
  if (passed.length === 0) return worked;
  const reasons = passed.map((p) => full(`${capital(names[p.candidate.id])} is not used: ${p.reason}`)).join(' ');
  return `${worked} ${reasons}`;
}
