import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { PythonProcess } from './python-process.ts';

/** The known environment that a process uses, or null. */
export function decideProcessEnvironment(process: Pick<PythonProcess, 'prefixGuess' | 'prefixReal' | 'executable'>, environments: readonly FoundEnvironment[]): string | null {
  const same = (prefix: string | null): FoundEnvironment[] => (prefix === null ? [] : environments.filter((environment) => environment.prefix === prefix));
  const matches = same(process.prefixGuess).length > 0 ? same(process.prefixGuess) : same(process.prefixReal);
  // A prefix with several Pythons: the one whose file runs.
  return (matches.find((environment) => environment.python.realPath === process.executable) ?? matches[0])?.id ?? null;
}

/** Processes that run from an environment, or have libraries of its own packages mapped (a venv that shares its base's). */
export function findUsers(environment: FoundEnvironment, processes: readonly PythonProcess[]): readonly PythonProcess[] {
  const own = environment.packageFolders.filter((folder) => folder.startsWith(`${environment.prefix}/`));
  return processes.filter((process) =>
    decideProcessEnvironment(process, [environment]) !== null ||
    process.openFilesUnder.some((prefix) => own.some((folder) => folder.startsWith(`${prefix}/lib`))));
}
