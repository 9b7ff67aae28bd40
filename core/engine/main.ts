/**
 * The engine process: one per data folder. Arguments: --data-dir DIR [--gpus SPEC] [--stay] [--ephemeral].
 * When it listens, or cannot, it writes one JSON line on descriptor 3 (readyLine of spawn-engine.ts) and closes it.
 */
import { closeSync, fstatSync, rmSync, writeSync } from 'node:fs';
import { format, parseArgs } from 'node:util';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import { problemOf } from '../../contract/problem.ts';
import { createApp, type App } from '../app.ts';
import { dataFolder, defaultDataDir, makeDataFolder } from '../system/data-folder.ts';
import { closeInheritedDescriptors } from '../system/inherited-descriptors.ts';

const READY_FD = 3;

function say(line: unknown): void {
  try {
    if (!fstatSync(READY_FD).isFIFO() && !fstatSync(READY_FD).isSocket()) return;
    writeSync(READY_FD, `${JSON.stringify(line)}\n`);
    closeSync(READY_FD);
  } catch {
    // Started by hand, without the pipe.
  }
}

async function main(): Promise<void> {
  closeInheritedDescriptors(READY_FD);
  // Whoever started us may be gone: a broken stderr must not end the engine.
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', () => undefined);
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string' }, gpus: { type: 'string' }, stay: { type: 'boolean', default: false }, ephemeral: { type: 'boolean', default: false },
    },
  });
  process.title = 'warpdeck-engine';
  const folder = dataFolder(values['data-dir'] ?? defaultDataDir());
  makeDataFolder(folder);
  const ephemeral = values.ephemeral;
  let app: App | null = null;
  let ending = false;
  const end = (why: string): void => {
    if (ending) return;
    ending = true;
    const force = setTimeout(() => process.exit(1), 10_000);
    force.unref();
    void (app?.close(why) ?? Promise.resolve()).catch(() => undefined).then(() => {
      if (ephemeral) rmSync(folder.root, { recursive: true, force: true });
      process.exit(0);
    });
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => { end(signal); });
  app = await createApp({
    folder,
    gpus: values.gpus ?? process.env['WARPDECK_GPUS'] ?? null,
    stays: values.stay,
    ephemeral,
    onEnd: end,
  });
  const { log } = app;
  // What libraries print instead of throwing; often nobody is at the other end of stderr.
  console.error = (...said: unknown[]): void => { log.warn('a library said', { said: format(...said).slice(0, 1000) }); };
  process.on('unhandledRejection', (error) => { log.error('unhandled rejection', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }); });
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', { error: error.stack ?? error.message });
    end('uncaught exception');
  });
  say({ ready: true, pid: process.pid, socket: folder.socket });
}

main().catch((error: unknown) => {
  const problem = problemOf(error) ?? makeProblem('engine.internal', { detail: error instanceof Error ? error.message : String(error) });
  say({ problem });
  const internal = error instanceof Error && problem.code === 'engine.internal' ? error.stack : undefined;
  process.stderr.write(`${internal ?? `${problem.title} (${problem.code}): ${problem.cause}`}\n`);
  process.exit(problem.code === 'engine.internal' ? 4 : 3);
});
