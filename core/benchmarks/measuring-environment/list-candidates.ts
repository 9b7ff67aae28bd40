import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { ArmEnvironment } from '../parts.ts';

/** What is looked at of an environment's report. */
export interface ReportOfPackages {
  readonly environment: Pick<FoundEnvironment, 'id' | 'name' | 'prefix' | 'basePrefix' | 'python'>;
  readonly xray: { readonly packages: readonly { readonly name: string; readonly version: string }[] } | null;
}
export interface NumpyCandidate {
  readonly environment: ArmEnvironment;
  readonly name: string;
  readonly version: string;
}
export interface PythonCandidate {
  readonly environment: ArmEnvironment;
  readonly name: string;
  readonly abi: string;
}

/** They are tried one after the other. */
const MOST = 4;
const minorOf = (abi: string): number => Number(/^cp3(\d+)/.exec(abi)?.[1] ?? -1);
const numbersOf = (version: string): readonly number[] => version.split('.').slice(0, 3).map((part) => Number.parseInt(part, 10) || 0);
const newer = (a: string, b: string): number => {
  const [x, y] = [numbersOf(a), numbersOf(b)];
  return (y[0] ?? 0) - (x[0] ?? 0) || (y[1] ?? 0) - (x[1] ?? 0) || (y[2] ?? 0) - (x[2] ?? 0);
};
const asArm = ({ environment: { id, prefix, python } }: Pick<ReportOfPackages, 'environment'>): ArmEnvironment => ({ id, prefix, python });

/** Environments that have NumPy, the newest first: whether it starts is for a trial to show. Pure. */
export function listNumpyCandidates(reports: readonly ReportOfPackages[]): NumpyCandidate[] {
  return reports.flatMap((report) => {
    const version = report.xray?.packages.find((one) => one.name === 'numpy')?.version;
    return version === undefined || report.environment.python.path === null ? [] : [{ environment: { ...asArm(report), numpy: { packages: null } }, name: report.environment.name, version }];
  }).sort((a, b) => newer(a.version, b.version)).slice(0, MOST);
}

/** Interpreters for a NumPy of our own: those that stay (the system's, pyenv's) before those of a project, the newest first; one for each ABI. Pure. */
export function listPythonCandidates(reports: readonly ReportOfPackages[], serves: (abi: string) => boolean): PythonCandidate[] {
  const stays = ({ environment: { prefix, basePrefix } }: ReportOfPackages): number => (basePrefix === null || basePrefix === prefix ? 0 : 1);
  const fit = reports.flatMap((report) => {
    const { abi, path, implementation } = report.environment.python;
    return abi === null || path === null || implementation !== 'cpython' || !serves(abi) ? [] : [{ report, abi }];
  });
  const sorted = fit.sort((a, b) => stays(a.report) - stays(b.report) || Number(a.report.environment.python.freeThreaded) - Number(b.report.environment.python.freeThreaded) || minorOf(b.abi) - minorOf(a.abi));
  return sorted.filter(({ abi }, at) => sorted.findIndex((one) => one.abi === abi) === at).slice(0, MOST).map(({ report, abi }) => ({ environment: asArm(report), name: report.environment.name, abi }));
}
