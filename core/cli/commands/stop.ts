import { setTimeout as wait } from 'node:timers/promises';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { exitCodes } from '../problem-text.ts';

const STOP_LIMIT_MS = 15_000;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Waits until a process is gone: nobody tells a stranger of its end, so it is asked. @throws ProblemError `engine.locked` */
export async function waitForEnd(pid: number, dataDir: string): Promise<void> {
  const deadline = Date.now() + STOP_LIMIT_MS;
  while (isRunning(pid)) {
    if (Date.now() > deadline) throw problemError('engine.locked', { pid, dataDir });
    await wait(25);
  }
}

export async function runStop(context: CommandContext): Promise<number> {
  const { out } = context;
  let engine;
  try {
    engine = await context.attach({ mayStart: false, anyGpus: true });
  } catch (error) {
    if (problemOf(error)?.code !== 'engine.unreachable') throw error;
    await (context.json ? out.json({ schemaVersion: JSON_SCHEMA_VERSION, stopped: false, pid: null }) : out.line(`No engine is running for ${context.dataDir}.`));
    return exitCodes.fine;
  }
  const { pid } = engine.info;
  try {
    await engine.client.engine.stop({ cancelJobs: context.flags.on('cancel-jobs') });
  } finally {
    engine.close();
  }
  await waitForEnd(pid, context.dataDir);
  await (context.json ? out.json({ schemaVersion: JSON_SCHEMA_VERSION, stopped: true, pid }) : out.line(`The engine (process ${String(pid)}) has ended.`));
  return exitCodes.fine;
}
