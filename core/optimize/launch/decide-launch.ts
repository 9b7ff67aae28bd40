import type { ChosenToggle, LaunchPlan } from '../../../contract/optimize.ts';
import { decideAllocatorFault } from '../apply/allocator-keys.ts';
import { findToggle } from '../toggles/all-toggles.ts';
import type { ToggleFacts } from '../toggles/toggle-definition.ts';

export interface LaunchFacts {
  /** For each place where the program may compute. */
  readonly facts: readonly ToggleFacts[];
  /** The program's environment is known. */
  readonly known: boolean;
  /** Holds the `sitecustomize.py` that brings the hook in. */
  readonly folder: string;
}

/**
 * What a program is started with so that switches hold in it. Whatever does not fit is dropped and named: the program
 * starts all the same. Pure.
 */
export function decideLaunch(wished: readonly ChosenToggle[], { facts, known, folder }: LaunchFacts): LaunchPlan {
  const toggles: ChosenToggle[] = [];
  const dropped: LaunchPlan['dropped'] = [];
  const lines: ChosenToggle[] = [];
  const variables: Record<string, string> = {};
  const notes: string[] = [];
  for (const chosen of new Map(wished.map((one) => [one.toggleId, one])).values()) {
    const drop = (why: string): void => { dropped.push({ toggleId: chosen.toggleId, why }); };
    const definition = findToggle(chosen.toggleId);
    if (definition === null || !definition.toggle.values.some((one) => one.id === chosen.value)) {
      drop('There is no such switch, or it has no such value.');
      continue;
    }
    const { toggle } = definition;
    // Without a known environment nothing can be said of its torch: the hook finds out.
    const reasons = known ? facts.map((one) => definition.decideAvailable(one, chosen.value)) : [];
    const line = definition.hook(chosen.value);
    const own = definition.variables(chosen.value, facts[0] ?? { torch: null, cores: 1 });
    const fault = Object.entries(own).map(([name, value]) => decideAllocatorFault(name, value, facts[0]?.torch ?? null)).find((one) => one !== null);
    if (toggle.means === 'engine' || toggle.means === 'device') drop(toggle.means === 'engine' ? 'It is a setting of llama.cpp, not of a program.' : 'It is a setting of the GPU, not of a program.');
    else if (reasons.length > 0 && reasons.every((one) => one !== null)) drop(reasons.find((one) => one !== null) ?? '');
    else if (line === null && Object.keys(own).length === 0) drop('Only the program itself can set it.');
    else if (fault !== undefined && fault !== null) drop(fault);
    else {
      toggles.push(chosen);
      if (line !== null) lines.push(line);
      Object.assign(variables, own);
    }
  }
  if (lines.length > 0) {
    Object.assign(variables, { PYTHONPATH: folder, WARPDECK_OPTIMIZE_TOGGLES: JSON.stringify(lines.map((one) => [one.toggleId, one.value])) });
    notes.push('Switches come into the program through a folder on PYTHONPATH, the one way that needs no file in its environment. Its sitecustomize steps aside for the one that would have run. "python -I", "-E" and "-S" do not see it.');
  }
  if (!known) notes.push('Which environment the program uses is not known: what its PyTorch does not have is left out when it starts.');
  return { variables, toggles, dropped, notes };
}
