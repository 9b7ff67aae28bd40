import { mkdir, rm } from 'node:fs/promises';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { IndexAccess, InstallProgress, Resolution, ToolStep } from './install-tool.ts';
import { createRedactor } from './redact-url.ts';
import { quoteArgument, runTool, type ToolOutcome, type ToolSurroundings } from './run-tool-step.ts';

export interface StepsRun {
  readonly environment: FoundEnvironment;
  readonly resolution: Resolution;
  readonly access: IndexAccess;
  readonly context: InstallProgress;
  readonly cwd: string;
  readonly surroundings: ToolSurroundings;
  /** Throws the Problem of an outcome that is not good. */
  readonly judge: (outcome: ToolOutcome, indexUrl: string | null) => Promise<void>;
}

/** Shares of the whole that the phases have: unpacking torch takes about half as long as a fast download of it. */
const SHARE: Readonly<Record<ToolStep['phase'], number>> = { fetch: 0.65, remove: 0.05, project: 0.05, install: 0.3 };
/** Where unpacking waits for a slow disk it may be silent for longer than a network may. */
const UNPACK_PATIENCE = 4;

/** Runs the steps in their order, with progress, and stops at the first that fails. */
export async function runSteps(run: StepsRun): Promise<void> {
  const { context, resolution, access } = run;
  const redact = createRedactor(access);
  const whole = resolution.steps.reduce((all, step) => all + SHARE[step.phase], 0);
  const folders = resolution.steps.filter((step) => step.phase === 'fetch').flatMap((step) => fetchFolderOf(step));
  let done = 0;
  try {
    for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const step of resolution.steps) {
      const share = SHARE[step.phase] / whole;
      const meter = createMeter(step, resolution, (fraction, doing) => { context.progress({ fraction: fraction === null ? null : Math.min(1, done + share * fraction), doing }); });
      context.progress({ fraction: Math.min(1, done), doing: step.doing });
      context.log(`$ ${redact([step.program, ...step.args].map(quoteArgument).join(' '))}`);
      const outcome = await runTool({
        program: step.program, args: step.args, env: { ...access.env, ...step.env }, cwd: run.cwd, redact, signal: context.signal, pollMs: run.surroundings.limits.pollMs,
        idleMs: run.surroundings.limits.idleMs * (step.phase === 'fetch' || step.phase === 'project' ? 1 : UNPACK_PATIENCE),
        onLine: (line) => { if (!meter.line(line)) context.log(line); }, onWritten: meter.written,
      }, run.surroundings.runProgram);
      await run.judge(outcome, indexOf(step));
      done += share;
    }
    context.progress({ fraction: 1, doing: 'Installed' });
  } finally {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
}

/** The folder of ours that a `fetch` step fills. */
function fetchFolderOf(step: ToolStep): string[] {
  const at = step.args.findIndex((argument) => argument === '--target' || argument === '--dest');
  const folder = at < 0 ? undefined : step.args[at + 1];
  return folder === undefined ? [] : [folder];
}

/** The index that a step names. */
function indexOf(step: ToolStep): string | null {
  const at = step.args.findIndex((argument) => argument === '--extra-index-url' || argument === '--index' || argument === '--index-url' || argument === '--default-index');
  return at < 0 ? null : (step.args[at + 1] ?? null);
}

interface Meter {
  /** True: it was a line of progress and is not for the log. */
  readonly line: (text: string) => boolean;
  readonly written: (bytes: number) => void;
}

/** Bytes, speed and share of one step: from pip's raw progress where it prints that, else from what the process writes. */
function createMeter(step: ToolStep, resolution: Resolution, tell: (fraction: number | null, doing: string) => void): Meter {
  const startedAt = performance.now();
  /** Of the files that are finished, and of the one that is being fetched. */
  let before = 0;
  let now = 0;
  let total = 0;
  let raw = false;
  const say = (bytes: number, expected: number | null): void => {
    const speed = bytes / Math.max(0.001, (performance.now() - startedAt) / 1000);
    const of = expected === null || expected === 0 ? '' : ` of ${size(expected)}`;
    tell(expected === null || expected === 0 ? null : Math.min(1, bytes / expected), `${step.doing}: ${size(bytes)}${of}, ${size(speed)}/s`);
  };
  return {
    line(text) {
      const match = /^Progress (\d+) of (\d+)$/.exec(text.trim());
      if (match === null) return false;
      raw = true;
      const bytes = Number(match[1]);
      if (bytes < now || Number(match[2]) !== total) before += now;
      now = bytes;
      total = Number(match[2]);
      say(before + now, resolution.downloadBytes);
      return true;
    },
    written(bytes) {
      if (raw) return;
      // uv unpacks while it downloads, pip writes the wheel first.
      const expected = step.phase === 'fetch' && step.args.includes('--dest') ? resolution.downloadBytes : resolution.installBytes;
      say(bytes, expected);
    },
  };
}

function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e3)} kB`;
}
