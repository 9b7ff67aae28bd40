import type { BenchmarkRun } from '../../../contract/benchmarks.ts';
import { decideCanaryRow, type CanaryRow } from './decide-canary.ts';

/**
 * A canary against the earlier ones of its place (newest first). Runs that alarmed are no measure: else a machine that
 * has become slower would be called calm after some weeks. An answer of llama.cpp is compared with the same model only.
 * `cases`: among so many the false alarms are shared; default: those of the run.
 */
export function judgeCanary(run: BenchmarkRun, earlier: readonly BenchmarkRun[], cases: number = run.results.length): CanaryRow[] {
  const calm = earlier.filter((one) => one.conditions['alarm'] !== true);
  return run.results.map(({ caseId, title, unit, higherIsBetter, median, workUnit }) => {
    const comparable = workUnit === 'token' ? calm.filter((one) => one.model?.id === run.model?.id) : calm;
    const history = comparable.flatMap((one) => one.results.find((other) => other.caseId === caseId && other.unit === unit)?.median ?? []);
    return decideCanaryRow({ caseId, title, unit, higherIsBetter, history, now: median }, cases);
  });
}
