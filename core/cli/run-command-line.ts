import { problemError } from '../../contract/problem-catalogue.ts';
import { JSON_SCHEMA_VERSION, type Command, type CommandContext } from './command.ts';
import { commands } from './command-table.ts';
import { formatCommandHelp, formatHelp } from './help-text.ts';
import { createOutput, type Output } from './output.ts';
import { isGpuSpec, parseCommandLine, usageError, type CommandLine } from './parse-command-line.ts';
import { decideExitCode, exitCodes, formatProblem, problemFromError } from './problem-text.ts';

/**
 * A terminal's Ctrl+C reaches this process and the launcher, which passes it on: two signals for one key. A second
 * one only counts as impatience after this time.
 */
const SECOND_SIGNAL_MS = 400;

/** Aborts on Ctrl+C, termination, hangup and the launcher's death; a second Ctrl+C ends the process. */
function listenForEnd(): AbortController {
  const controller = new AbortController();
  let firstAt = 0;
  const end = (name: string): void => {
    if (controller.signal.aborted && Date.now() - firstAt > SECOND_SIGNAL_MS) process.exit(130);
    if (controller.signal.aborted) return;
    firstAt = Date.now();
    controller.abort(new DOMException(name, 'AbortError'));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => { end(name); });
  // The launcher was killed outright: nobody would forward signals to this process any more.
  if (process.connected) process.once('disconnect', () => { end('disconnect'); });
  return controller;
}

/** What is answered without a command's code: help, version, a verb that is not there. Null: run the command. */
async function answerAtOnce(line: CommandLine, command: Command | null, version: string, out: Output): Promise<number | null> {
  if (line.flags.on('version')) {
    await (line.flags.on('json') ? out.json({ schemaVersion: JSON_SCHEMA_VERSION, version }) : out.line(`warpdeck ${version}`));
    return exitCodes.fine;
  }
  if (command && line.flags.on('help')) {
    await out.write(formatCommandHelp(command));
    return exitCodes.fine;
  }
  if (line.verb === 'help') {
    const about = commands.find((c) => c.name === line.positionals[0]);
    await out.write(about ? formatCommandHelp(about) : formatHelp(commands, version));
    return exitCodes.fine;
  }
  if (line.flags.on('help')) {
    await out.write(formatHelp(commands, version));
    return exitCodes.fine;
  }
  return null;
}

async function makeContext(line: CommandLine, out: Output, signal: AbortSignal): Promise<CommandContext> {
  const { defaultDataDir } = await import('../system/data-folder.ts');
  const env = process.env;
  const gpus = line.flags.text('gpus') ?? (env['WARPDECK_GPUS'] || null);
  if (gpus !== null && !isGpuSpec(gpus)) throw problemError('gpu.unknown_source', { spec: gpus });
  const dataDir = line.flags.text('data-dir') ?? defaultDataDir(env);
  return {
    flags: line.flags, positionals: line.positionals, commands, json: line.flags.on('json'), quiet: line.flags.on('quiet'), dataDir, gpus, env, out, signal,
    async attach(wish = {}) {
      const { attachEngine } = await import('../engine/attach-engine.ts');
      const { anyGpus, ...rest } = wish;
      return attachEngine({ dataDir, gpus: anyGpus ? null : gpus, ...rest });
    },
    openPage(target) {
      if (!process.connected || !process.send) return false;
      process.send({ open: target });
      return true;
    },
  };
}

/** Whether the words ask for JSON, also where they cannot be understood as a whole. */
const asksForJson = (args: readonly string[]): boolean => {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).includes('--json');
};

/** Runs one command line and ends the process with its exit code. */
export async function runCommandLine(options: { readonly args: readonly string[]; readonly version: string }): Promise<never> {
  const { args, version } = options;
  const end = listenForEnd();
  let readerGone = false;
  const out = createOutput({
    stdout: process.stdout, stderr: process.stderr, quiet: args.includes('--quiet') || args.includes('-q'), env: process.env,
    onReaderGone() {
      readerGone = true;
      end.abort(new DOMException('reader gone', 'AbortError'));
    },
  });
  let dataDir = '';
  let code: number;
  try {
    const line = parseCommandLine(args, commands);
    const command = commands.find((c) => c.name === (line.verb ?? 'app')) ?? null;
    const early = await answerAtOnce(line, line.verb === null ? null : command, version, out);
    if (early !== null) code = early;
    else if (command === null) throw usageError(`There is no command "${line.verb ?? ''}".`);
    else {
      const context = await makeContext(line, out, end.signal);
      dataDir = context.dataDir;
      const run = await command.load();
      code = await run(context);
    }
  } catch (error) {
    const problem = problemFromError(error, dataDir);
    // Ended by the user, or read by nobody any more: what was cut short is no fault.
    if (end.signal.aborted && (readerGone || problem.code === 'engine.unreachable' || (error instanceof Error && error.name === 'AbortError'))) code = exitCodes.fine;
    else {
      code = decideExitCode(problem);
      if (asksForJson(args)) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, problem });
      else for (const text of formatProblem(problem)) out.error(text);
      if (code === exitCodes.internal && process.env['WARPDECK_DEBUG'] && error instanceof Error) out.error(error.stack ?? error.message);
    }
  }
  out.endProgress();
  process.exit(readerGone ? exitCodes.fine : code);
}
