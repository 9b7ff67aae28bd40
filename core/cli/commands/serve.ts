import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, ProblemError } from '../../../contract/problem.ts';
import type { EngineStatus } from '../../../contract/system.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import type { AttachedEngine } from '../../engine/attach-engine.ts';
import type { EngineClient } from '../../engine/connect.ts';
import { numberFlag, usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';
import { waitForEnd } from './stop.ts';

/** The engine's status, not older than `sinceMs`: it is made once a second, and only while somebody is there. */
async function readStatus(client: EngineClient, sinceMs: number): Promise<EngineStatus | null> {
  const limit = AbortSignal.timeout(3000);
  let last: EngineStatus | null = null;
  try {
    for await (const status of await client.engine.watch({}, { signal: limit })) {
      last = status;
      if (status.atMs >= sinceMs) break;
    }
  } catch (error) {
    if (!limit.aborted) throw error;
  }
  return last;
}

/** The page's address, with the token where only the page sees it: the fragment is not sent to any server. */
export const addressWithToken = (url: string, token: string): string => `${url.replace(/\/?$/, '/')}#token=${token}`;

/** A page that goes on to the address. The token stays out of the opener's command line, which others can read. */
export function makeOpenerPage(address: string): string {
  const safe = address.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `<!doctype html><meta charset="utf-8"><title>Warpdeck</title><meta http-equiv="refresh" content="0;url=${safe}"><p><a href="${safe}">Open Warpdeck</a></p>\n`;
}

/** With which an engine that ends closes its sockets (core/web/rpc-connection.ts). */
const CLOSE_ENGINE_ENDS = 4001;

async function openInBrowser(context: CommandContext, dataDir: string, address: string): Promise<string | null> {
  const path = join(dataDir, `open-${String(process.pid)}.html`);
  await writeFile(path, makeOpenerPage(address), { mode: 0o600 });
  if (context.openPage(pathToFileURL(path).href)) return path;
  await rm(path, { force: true });
  return null;
}

interface ServeWish {
  readonly host: string;
  readonly port: number | null;
  readonly token: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly insecure: boolean;
  readonly open: boolean;
  readonly detach: boolean;
  /** Started by `serve`, the engine stays until it is stopped; by `app`, it goes with its faces. */
  readonly stay: boolean;
}

function readPort(context: CommandContext): number | null {
  const flag = numberFlag(context.flags, 'port', { min: 0, max: 65_535, unit: '', whole: true });
  if (flag !== null) return flag;
  const text = context.env['WARPDECK_PORT'] ?? '';
  if (text === '') return null;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw usageError(`WARPDECK_PORT is a port from 0 to 65535, not "${text}".`);
  return port;
}

function readWish(context: CommandContext, verb: 'serve' | 'app'): ServeWish {
  const { flags } = context;
  const token = context.env['WARPDECK_TOKEN'] || null;
  // What an address's fragment carries as it is, and the page reads.
  if (token !== null && !/^[A-Za-z0-9._~+/=-]{16,256}$/.test(token)) throw usageError('WARPDECK_TOKEN has 16 to 256 of the characters A-Z a-z 0-9 . _ ~ + / = -.');
  if ((flags.text('cert') === null) !== (flags.text('key') === null)) throw usageError('--cert and --key go together.');
  return {
    host: flags.text('host') ?? '127.0.0.1', port: readPort(context), token, cert: flags.text('cert'), key: flags.text('key'), insecure: flags.on('insecure'),
    open: verb === 'app' || flags.on('open'), detach: flags.on('detach'), stay: verb === 'serve',
  };
}

/** The running engine, or a new one, and whether it was there before. */
async function attachOrStart(context: CommandContext, stay: boolean): Promise<{ readonly engine: AttachedEngine; readonly wasRunning: boolean }> {
  try {
    return { engine: await context.attach({ mayStart: false, whenGpusDiffer: 'problem' }), wasRunning: true };
  } catch (error) {
    if (problemOf(error)?.code !== 'engine.unreachable') throw error;
    return { engine: await context.attach({ stay, whenGpusDiffer: 'problem' }), wasRunning: false };
  }
}

/** What ends with a foreground `serve`: only what it began, and only if nobody else uses it. */
export function decideEnd(before: { readonly wasRunning: boolean; readonly webWasOn: boolean }, now: { readonly faces: number; readonly jobsRunning: number }): { readonly web: boolean; readonly engine: boolean; readonly why: string | null } {
  const web = !before.webWasOn;
  if (before.wasRunning) return { web, engine: false, why: 'The engine was running before and goes on; "warpdeck stop" ends it.' };
  if (now.jobsRunning > 0) return { web, engine: false, why: `The engine goes on: ${String(now.jobsRunning)} ${now.jobsRunning === 1 ? 'job is' : 'jobs are'} running. "warpdeck stop --cancel-jobs" ends it.` };
  if (now.faces > 1) return { web, engine: false, why: 'The engine goes on: another window or command uses it. "warpdeck stop" ends it.' };
  return { web, engine: true, why: null };
}

async function endForeground(context: CommandContext, engine: AttachedEngine, before: { readonly wasRunning: boolean; readonly webWasOn: boolean }): Promise<void> {
  const { client, info } = engine;
  // Pages that came through this web face end with it; they are no other users.
  if (!before.webWasOn) await client.engine.stopWeb({});
  const status = await readStatus(client, Date.now());
  const end = decideEnd(before, { faces: status?.faces ?? 1, jobsRunning: status?.jobsRunning ?? 0 });
  if (end.why !== null) context.out.note(end.why);
  if (!end.engine) return;
  await client.engine.stop({ cancelJobs: false });
  engine.close();
  await waitForEnd(info.pid, context.dataDir);
}

const untilAborted = (signal: AbortSignal): Promise<'signal'> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('signal');
    signal.addEventListener('abort', () => { resolve('signal'); }, { once: true });
  });

async function serve(context: CommandContext, verb: 'serve' | 'app'): Promise<number> {
  const wish = readWish(context, verb);
  const { out, signal } = context;
  const attachedAtMs = Date.now();
  const { engine, wasRunning } = await attachOrStart(context, wish.stay);
  const { client, info } = engine;
  let opener: string | null = null;
  try {
    const webWasOn = wasRunning && ((await readStatus(client, attachedAtMs))?.web.on ?? false);
    let web;
    try {
      web = await client.engine.startWeb({ host: wish.host, port: wish.port, insecure: wish.insecure, cert: wish.cert, key: wish.key, token: wish.token, stay: wish.stay });
    } catch (error) {
      // An engine that was started for a web face which cannot be opened would stay behind with nobody to use it.
      if (!wasRunning) await client.engine.stop({ cancelJobs: false }).catch(() => undefined);
      throw error;
    }
    if (web.url === null) throw problemError('engine.internal', { detail: 'The web face is on and names no address.' });
    const address = addressWithToken(web.url, web.token);
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, url: web.url, address, host: web.host, port: web.port, secure: web.secure, token: web.token, metricsToken: web.metricsToken, pid: info.pid });
    else await out.line(`${webWasOn ? 'Warpdeck is served already' : 'Warpdeck is served'} at ${address}`);
    if (wish.insecure && !web.secure && wish.host !== '127.0.0.1') out.error('This address is open to the network without encryption: others can read along, the token too.');
    if (wish.open) {
      opener = await openInBrowser(context, info.dataDir, address);
      if (opener === null) out.note('Open the address in a browser.');
    }
    if (wish.detach) {
      out.note('The engine goes on; "warpdeck stop" ends it.');
      return exitCodes.fine;
    }
    out.note('Ctrl+C ends it.');
    const why = await Promise.race([untilAborted(signal), engine.closed]);
    if (why === 'signal') await endForeground(context, engine, { wasRunning, webWasOn });
    // "warpdeck stop" from elsewhere; anything else is an engine that died.
    else if (why.code !== CLOSE_ENGINE_ENDS) throw new ProblemError(makeProblem('engine.unreachable', { dataDir: context.dataDir, detail: `it ended while it served (${why.reason === '' ? `code ${String(why.code)}` : why.reason})` }));
    else out.note('The engine was stopped.');
    return exitCodes.fine;
  } finally {
    if (opener !== null) await rm(opener, { force: true });
    engine.close();
  }
}

export const runServe = (context: CommandContext): Promise<number> => serve(context, 'serve');
export const runApp = (context: CommandContext): Promise<number> => serve(context, 'app');
