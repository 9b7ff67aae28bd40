import { delimiter, join } from 'node:path';
import type { LaunchPlan } from '../../../contract/optimize.ts';
import { resourcesFolder } from '../../system/entry-points.ts';

const REPORT_VARIABLE = 'WARPDECK_OPTIMIZE_REPORT';
const ALLOCATOR = ['PYTORCH_ALLOC_CONF', 'PYTORCH_CUDA_ALLOC_CONF', 'PYTORCH_HIP_ALLOC_CONF'];

/** Holds the `sitecustomize.py` that brings the hook into a launched program. */
export const launchFolder = (): string => join(resourcesFolder(), 'python', 'hook', 'launch');

export interface LaunchEnvironment {
  readonly env: Readonly<Record<string, string>>;
  /** Variables of the plan that the user's environment sets already: those stay. */
  readonly left: readonly string[];
}

/**
 * The variables of a launched program: the user's own, and the plan's where the user has set none. PYTHONPATH is added to.
 * `report`: an empty file of the launcher's, into which the hook writes. Pure.
 */
export function makeLaunchEnvironment(own: Readonly<Record<string, string | undefined>>, plan: Pick<LaunchPlan, 'variables'>, report: string): LaunchEnvironment {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) if (value !== undefined) env[name] = value;
  const left: string[] = [];
  for (const [name, value] of Object.entries(plan.variables)) {
    if (name === 'PYTHONPATH') env[name] = [value, own['PYTHONPATH'] ?? ''].filter((one) => one !== '').join(delimiter);
    else if (name.startsWith('WARPDECK_OPTIMIZE_')) env[name] = value;
    else if (own[name] !== undefined || (ALLOCATOR.includes(name) && ALLOCATOR.some((one) => own[one] !== undefined))) left.push(name);
    else env[name] = value;
  }
  env[REPORT_VARIABLE] = report;
  return { env, left };
}
