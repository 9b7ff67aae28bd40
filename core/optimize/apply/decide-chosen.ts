import type { ApplyMeans, ChosenToggle } from '../../../contract/optimize.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { isAtLeast } from '../toggles/availability.ts';
import { nameToggle, requireToggle } from '../toggles/all-toggles.ts';
import type { ToggleDefinition, ToggleFacts } from '../toggles/toggle-definition.ts';
import { decideAllocatorFault } from './allocator-keys.ts';

export interface ChosenFacts {
  /** Facts for each place where a program may compute. */
  readonly facts: readonly ToggleFacts[];
  readonly means: ApplyMeans;
}

/** What becomes of the toggles with one means. */
export interface Chosen {
  /** Those that this means brings into a program. */
  readonly acting: readonly ChosenToggle[];
  /** For the hook: what it does after `import torch`. */
  readonly hook: readonly ChosenToggle[];
  readonly variables: Readonly<Record<string, string>>;
  /** Lines for what only the program itself can do; with `snippet` for all. */
  readonly snippet: string;
  /** Results change. */
  readonly agree: readonly string[];
  readonly notes: readonly string[];
}

/** PyTorch's own variable for what `set_float32_matmul_precision("high")` does; it shows in the API. Tried with 2.4 to 2.15. */
const variableInstead: Readonly<Record<string, Readonly<Record<string, string>>>> = { 'tf32=high': { TORCH_ALLOW_TF32_CUBLAS_OVERRIDE: '1' } };

/** The older and the newer flags know little of each other; what each of them does after ours was tried with 2.15.0 (launch.test.ts). */
const NEW_PRECISION = 'A program that asks for IEEE arithmetic by torch.backends.fp32_precision alone keeps TF32 in its matrix products. One that says set_float32_matmul_precision("highest") has its way; so has torch.backends.cuda.matmul.fp32_precision = "ieee", but PyTorch then raises an error where the older allow_tf32 is read.';

/** Pure. @throws ProblemError `toggle.unknown`, `toggle.unavailable` */
export function decideChosen(toggles: readonly ChosenToggle[], { facts, means }: ChosenFacts): Chosen {
  const acting: ChosenToggle[] = [];
  const hook: ChosenToggle[] = [];
  const rest: ChosenToggle[] = [];
  const variables: Record<string, string> = {};
  const notes: string[] = [];
  for (const chosen of new Map(toggles.map((one) => [one.toggleId, one])).values()) {
    const definition = requireToggle(chosen);
    requireAvailable(definition, chosen, facts);
    if (definition.toggle.notOffered !== null) {
      if (means !== 'snippet') throw problemError('toggle.unavailable', { title: definition.toggle.title, detail: `It is not applied to a whole environment. ${definition.toggle.notOffered}`, remedy: 'Use its line in a program of your own where you want it.' });
      notes.push(`${definition.toggle.title}: ${definition.toggle.notOffered}`);
    }
    const own = means === 'snippet' ? null : bring(definition, chosen, means, facts);
    if (own === null) {
      rest.push(chosen);
      if (means !== 'snippet') notes.push(`${nameToggle(chosen)} can only be set by the program itself: its lines are below.`);
      continue;
    }
    acting.push(chosen);
    hook.push(...own.hook);
    Object.assign(variables, own.variables);
    if (chosen.toggleId === 'tf32' && facts.some((one) => isAtLeast(one.torch, '2.9'))) notes.push(NEW_PRECISION);
    if (chosen.toggleId === 'sdpa') notes.push('Where the chosen attention kernel cannot compute something, the plain one does: slower, but the program runs.');
  }
  if (means === 'snippet') {
    acting.push(...rest);
    for (const chosen of rest) Object.assign(variables, requireToggle(chosen).variables(chosen.value, facts[0] ?? noFacts));
  }
  if (acting.length === 0) throw problemError('toggle.unavailable', { title: rest.map(nameToggle).join(', '), detail: means === 'hook' ? 'Only the program itself can set it.' : 'There is no variable for it.', remedy: 'Use the lines for your own program.' });
  return {
    acting, hook, variables, notes,
    snippet: rest.map((one) => `# ${nameToggle(one)}\n${requireToggle(one).snippet(one.value)}`).join('\n\n'),
    agree: acting.flatMap((one) => agreeSentence(one) ?? []),
  };
}

const noFacts: Pick<ToggleFacts, 'torch' | 'cores'> = { torch: null, cores: 1 };

function requireAvailable(definition: ToggleDefinition, chosen: ChosenToggle, facts: readonly ToggleFacts[]): void {
  const { toggle } = definition;
  if (toggle.means === 'engine') throw problemError('toggle.unavailable', { title: toggle.title, detail: 'It is a setting of llama.cpp, not of an environment.', remedy: 'Set it among the settings of a model.' });
  if (toggle.means === 'device') throw problemError('toggle.unavailable', { title: toggle.title, detail: 'It is a setting of the GPU, not of an environment.', remedy: 'Set it on the page of the GPU.' });
  const reasons = facts.map((one) => definition.decideAvailable(one, chosen.value));
  const first = reasons.find((one) => one !== null);
  if (reasons.length > 0 && first !== undefined && first !== null && reasons.every((one) => one !== null)) throw problemError('toggle.unavailable', { title: nameToggle(chosen), detail: first, remedy: 'Leave it out here.' });
}

/** Null: this means cannot. */
function bring(definition: ToggleDefinition, chosen: ChosenToggle, means: ApplyMeans, facts: readonly ToggleFacts[]): Pick<Chosen, 'hook' | 'variables'> | null {
  const facts0 = facts[0] ?? noFacts;
  const variables = definition.variables(chosen.value, facts0);
  for (const [name, value] of Object.entries(variables)) {
    const fault = decideAllocatorFault(name, value, facts0.torch);
    if (fault !== null) throw problemError('toggle.unavailable', { title: nameToggle(chosen), detail: fault, remedy: 'Leave it out, or use an environment with a newer PyTorch.' });
  }
  if (means === 'hook') {
    const line = definition.hook(chosen.value);
    return line === null && Object.keys(variables).length === 0 ? null : { hook: line === null ? [] : [line], variables };
  }
  const all = { ...variables, ...(variableInstead[`${chosen.toggleId}=${chosen.value}`] ?? {}) };
  return Object.keys(all).length === 0 ? null : { hook: [], variables: all };
}

function agreeSentence(chosen: ChosenToggle): string | null {
  const { changesResults } = requireToggle(chosen).toggle;
  if (changesResults === 'no') return null;
  return `${nameToggle(chosen)}: ${changesResults === 'rounding' ? 'results differ in their last digits' : 'results change'}, in every program of this environment.`;
}
