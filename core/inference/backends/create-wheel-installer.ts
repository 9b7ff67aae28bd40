import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import type { FetchWheels } from './fetch-runtime.ts';

export interface WheelInstallerOptions {
  readonly supervisor: Supervisor;
  /** What can install, best first: `[uv, 'pip']`, `[python3, '-m', 'pip']`. Asked when it is needed. */
  readonly tools: () => Promise<readonly { readonly name: 'uv' | 'pip'; readonly command: readonly [program: string, ...args: string[]] }[]>;
  /** The index that the user set: `indexArguments` of the environments. */
  readonly indexArguments: (tool: 'uv' | 'pip') => readonly string[];
  readonly onLine?: (line: string) => void;
}

const IDLE_MS = 10 * 60_000;
const TOTAL_MS = 4 * 3_600_000;

/** Unpacks wheels into a folder with uv or pip, run under the guard: their settings, proxies and caches are the user's own. */
export function createWheelInstaller({ supervisor, tools, indexArguments, onLine }: WheelInstallerOptions): FetchWheels {
  return async (packages, folder, signal, onProgress) => {
    const tool = (await tools())[0];
    const wanted = packages.map((p) => `${p.name}==${p.version}`);
    if (tool === undefined) throw problemError('download.unknown', { what: wanted.join(', '), detail: 'neither uv nor pip was found to fetch them with. Install uv or python3-pip.' });
    const [program, ...before] = tool.command;
    const args = [...before, 'install', '--no-deps', '--only-binary', ':all:', '--target', folder, ...indexArguments(tool.name), ...(tool.name === 'pip' ? ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'] : []), ...wanted];
    let last = '';
    const take = (text: string): void => {
      for (const line of text.split(/\r?\n|\r/).map((l) => l.trim()).filter((l) => l !== '')) {
        onLine?.(line.slice(0, 2000));
        if (/error|could not|no matching/i.test(line)) last = line.slice(0, 300);
        const doing = /^(Downloading|Installing|Prepared|Resolved)\b/.exec(line);
        if (doing !== null) onProgress({ fraction: null, doing: line.slice(0, 120) });
      }
    };
    const result = await supervisor.runProgram({ program, args, timeoutMs: TOTAL_MS, idleTimeoutMs: IDLE_MS, signal, onStdout: take, onStderr: take }).done.catch((error: unknown) => {
      signal.throwIfAborted();
      throw problemError('download.unknown', { what: wanted.join(', '), detail: problemOf(error)?.cause ?? String(error) }, { cause: error });
    });
    signal.throwIfAborted();
    if (result.exitCode !== 0) throw problemError('download.unknown', { what: wanted.join(', '), detail: last === '' ? `${tool.name} ended with exit code ${result.exitCode ?? 'unknown'}.` : last });
  };
}
