import type { EnvironmentXray, FoundEnvironment } from '../../../contract/environments.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import { decideKernelList, listText } from './kernel-rules.ts';

/**
 * Findings about the environment itself, for no GPU in particular: what finding and reading it said (damage, duplicates,
 * leftovers, shadows), each once, and what follows from comparing its facts.
 */
export function decideFindings(found: FoundEnvironment, xray: EnvironmentXray | null): Problem[] {
  const all = [...found.problems, ...(xray?.problems ?? []), ...(xray === null ? [] : listFindings(xray))];
  const seen = new Set<string>();
  return all.filter((p) => {
    const key = `${p.code}\n${p.cause}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** The list that was compiled in and the kernels that are there: equal in every real wheel that was read. */
function listFindings(xray: EnvironmentXray): Problem[] {
  const torch = xray.torch, list = torch === null ? null : decideKernelList(torch);
  if (torch === null || list === null || list.disagrees === null) return [];
  return [makeProblem('torch.lists_disagree', { file: torch.flagsFile ?? torch.path, flags: listText(list.disagrees.flags), library: list.place, census: listText(list.disagrees.census) })];
}
