import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { PythonLine } from '../../../contract/python.ts';
import type { ProgramResult, Supervisor } from '../../supervisor/supervisor.ts';
import { resourcesFolder } from '../../system/entry-points.ts';
import { lastLine, parseFaultFrame } from './last-words.ts';
import { createLineSplitter, parseScriptLine } from './script-lines.ts';

export interface ScriptOptions {
  readonly supervisor: Pick<Supervisor, 'runProgram'>;
  /** The interpreter, by its path inside the environment (links are not followed: the path makes it a venv). */
  readonly python: string;
  /** A file of resources/python. */
  readonly script: string;
  readonly args: readonly string[];
  /** Added to what a child inherits. `PYTHON*` is left out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Until `hello`, ms. */
  readonly startTimeoutMs: number;
  /** Between two messages, ms; a function may give each thing that the script says it is doing its own. */
  readonly idleTimeoutMs: number | ((doing: string | null) => number);
  readonly totalTimeoutMs: number;
  readonly onItem?: (data: unknown) => void;
  readonly onProgress?: (progress: { readonly fraction: number | null; readonly doing: string }) => void;
  /** Whatever else is printed, cut at `LOG_LIMIT`. */
  readonly onLog?: (text: string) => void;
  /** The script reads commands from its standard input: called once, with the way to write there. */
  readonly onInput?: (write: (text: string) => void) => void;
}
/** `runScript` with its supervisor: what the areas are given. */
export type RunScript = (options: Omit<ScriptOptions, 'supervisor'>) => Promise<unknown>;

/**
 * Isolated (-I: no PYTHON* variables, no user site, no script folder or working folder on sys.path), UTF-8 whatever
 * the locale, unbuffered, with a stack for every crash, and without writing bytecode into the environment (-B):
 * looking at it must not change it.
 */
const INTERPRETER_ARGS = ['-X', 'utf8', '-u', '-I', '-B', '-X', 'faulthandler'] as const;
/** Characters of one line. */
const LINE_LIMIT = 1024 * 1024;
/** Characters handed to the log, and characters of all output after which a script is ended. */
const LOG_LIMIT = 1024 * 1024;
const FLOOD_LIMIT = 64 * 1024 * 1024;

/** From the answer to the end, ms. */
const LINGER_MS = 5000;

type Message<T extends PythonLine['t']> = Extract<PythonLine, { t: T }>;
type Ended = 'start' | 'idle' | 'total' | 'flood';

/** All that is known of a run when it has ended. */
export interface ScriptEnd {
  readonly python: string;
  readonly script: string;
  readonly hello: boolean;
  readonly result: Message<'result'> | null;
  readonly problem: Message<'problem'> | null;
  /** Why it was ended by us. */
  readonly ended: Ended | null;
  readonly limitMs: number;
  readonly doing: string | null;
  readonly outcome: Pick<ProgramResult, 'exitCode' | 'signal' | 'stderr'>;
  /** What did not fit, at most a few hundred characters. */
  readonly trouble: string | null;
  /** What was printed first where an answer was expected. */
  readonly firstText: string | null;
}

/**
 * Runs a script of resources/python with an environment's own interpreter, under the guard, in an empty folder of its
 * own that goes with it. Answers the data of its `result`.
 * @throws ProblemError `python.failed` (facts: `how`, `signal`, `exitCode`, `frame`, `kind`, `doing`), `python.garbage`,
 *   `program.not_found`, `program.not_executable`; on abort the signal's reason.
 */
export async function runScript(options: ScriptOptions): Promise<unknown> {
  options.signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'warpdeck-script-'));
  try {
    const end = await watchScript(options, folder);
    options.signal.throwIfAborted();
    const failure = decideScriptFailure(end);
    if (failure !== null) throw problemError(failure.code, failure.facts, { chain: failure.chain });
    return end.result?.data;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}

async function watchScript(options: ScriptOptions, folder: string): Promise<ScriptEnd> {
  const stop = new AbortController();
  const state = { hello: false, result: null as Message<'result'> | null, problem: null as Message<'problem'> | null, ended: null as Ended | null, limitMs: 0, doing: null as string | null, trouble: null as string | null, firstText: null as string | null };
  const endAs = (why: Ended, limitMs: number): void => {
    if (state.ended !== null || state.result !== null) return;
    state.ended = why;
    state.limitMs = limitMs;
    stop.abort();
  };
  const forward = (): void => { stop.abort(); };
  options.signal.addEventListener('abort', forward, { once: true });

  let timer = setTimeout(() => { endAs('start', options.startTimeoutMs); }, options.startTimeoutMs);
  const total = setTimeout(() => { endAs('total', options.totalTimeoutMs); }, options.totalTimeoutMs);
  const wind = (): void => {
    clearTimeout(timer);
    const limit = typeof options.idleTimeoutMs === 'number' ? options.idleTimeoutMs : options.idleTimeoutMs(state.doing);
    timer = setTimeout(() => { endAs('idle', limit); }, limit);
  };

  let received = 0;
  const count = (text: string): void => {
    received += text.length;
    if (received > FLOOD_LIMIT) endAs('flood', 0);
  };
  let logged = 0;
  const print = (text: string): void => {
    const before = logged;
    logged += text.length;
    if (before < LOG_LIMIT) options.onLog?.(logged <= LOG_LIMIT ? text : `${text.slice(0, LOG_LIMIT - before)}\n… more was printed and is left out.`);
  };
  const take = (message: PythonLine): void => {
    if (message.t === 'hello') {
      // Not our script: something in between that speaks the same words.
      if (message.script === options.script) state.hello = true;
      else state.trouble ??= `it says it is ${message.script.slice(0, 100)}`;
    }
    if (!state.hello || state.result !== null) return;
    if (message.t === 'progress') {
      state.doing = message.doing;
      options.onProgress?.({ fraction: message.fraction, doing: message.doing });
    }
    if (message.t === 'item') options.onItem?.(message.data);
    if (message.t === 'problem') state.problem = message;
    if (message.t !== 'result') return wind();
    state.result = message;
    // Our scripts end with their answer; what was put around them may not.
    clearTimeout(timer);
    timer = setTimeout(forward, LINGER_MS);
  };
  const lines = createLineSplitter(LINE_LIMIT, (line) => {
    const parsed = parseScriptLine(line);
    if (parsed.kind === 'message') return take(parsed.message);
    if (parsed.kind === 'misfit') state.trouble ??= `a message that does not fit: ${parsed.text.slice(0, 200)}`;
    else state.firstText ??= line.slice(0, 200);
    print(`${line}\n`);
  }, (start) => {
    state.trouble ??= `a line of more than ${LINE_LIMIT / 1024 / 1024} MB that begins with ${JSON.stringify(start.slice(0, 60))}`;
  });

  const running = options.supervisor.runProgram({
    program: options.python,
    args: [...INTERPRETER_ARGS, join(resourcesFolder(), 'python', options.script), ...options.args],
    cwd: folder,
    env: Object.fromEntries(Object.entries(options.env ?? {}).filter(([name]) => !name.toUpperCase().startsWith('PYTHON'))),
    signal: stop.signal,
    input: options.onInput !== undefined,
    onStdout: (text) => {
      count(text);
      lines.push(text);
    },
    onStderr: (text) => {
      count(text);
      print(text);
    },
  });
  try {
    if (options.signal.aborted) stop.abort();
    options.onInput?.((text) => { running.write(text); });
    const outcome = await running.done;
    lines.end();
    return { ...state, python: options.python, script: options.script, outcome };
  } finally {
    clearTimeout(timer);
    clearTimeout(total);
    options.signal.removeEventListener('abort', forward);
  }
}

export interface ScriptFailure {
  readonly code: 'python.failed' | 'python.garbage';
  readonly facts: Readonly<Record<string, string | number | null>>;
  readonly chain: readonly string[];
}

/** What went wrong, or null when there is a result. Pure. */
export function decideScriptFailure(end: ScriptEnd): ScriptFailure | null {
  if (end.result !== null) return null;
  const { exitCode, signal, stderr } = end.outcome;
  const frame = parseFaultFrame(stderr);
  const last = lastLine(stderr);
  const at = frame === null ? '' : ` Last frame: ${frame}.`;
  const during = end.doing === null ? '' : ` during "${end.doing}"`;
  const facts = { program: `${end.python} ${end.script}`, how: end.ended ?? (end.problem !== null ? 'problem' : signal !== null ? 'signal' : 'exit'), signal, exitCode, frame, doing: end.doing, kind: end.problem?.kind ?? null };
  const failed = (detail: string): ScriptFailure => ({ code: 'python.failed', facts: { ...facts, detail }, chain: last === null ? [] : [last] });
  const garbage = (detail: string): ScriptFailure => ({ code: 'python.garbage', facts: { ...facts, detail }, chain: last === null ? [] : [last] });

  if (end.ended === 'flood') return garbage(`it printed more than ${FLOOD_LIMIT / 1024 / 1024} MB and was ended.`);
  if (end.ended === 'start') return failed(`it said nothing for ${end.limitMs / 1000} s and was ended.${at}`);
  if (end.ended === 'idle') return failed(`it hung${during}: nothing came for ${end.limitMs / 1000} s.${at}`);
  if (end.ended === 'total') return failed(`it was not ready after ${end.limitMs / 1000} s and was ended${during}.${at}`);
  if (end.problem !== null) return failed(end.problem.text.slice(0, 1000));
  if (signal !== null) return failed(`it was ended by ${signal}${during}.${at}`);
  const saying = last === null ? '' : ` It said: ${last}`;
  if (exitCode !== 0) return failed(`it ended with code ${exitCode ?? 'unknown'}${during}.${saying}`);
  if (end.trouble !== null) return garbage(`${end.trouble}.`);
  if (!end.hello) return garbage(end.firstText === null ? `it ended without a word.${saying}` : `it answered ${JSON.stringify(end.firstText)}.`);
  return garbage(`it ended without a result${during}.${saying}`);
}
