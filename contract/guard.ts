/**
 * Between the engine and the guard of a program: JSON lines. The engine writes one `GuardRequest` to the guard's
 * standard input and keeps it open; its end means "end the group". The guard answers with `GuardReport`s on
 * descriptor 3. Free of zod: the guard is a process per program and stays small.
 */
/** A process by its number and its start time, null where the system does not tell it. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string | null;
}

export interface GuardRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** Where the guard notes what it runs, for an engine that comes after a crash of both. */
  readonly journal: string | null;
  /** The engine, for the journal. */
  readonly owner: ProcessIdentity;
  /** Between the request to end and the kill of the group, milliseconds. */
  readonly graceMs: number;
  /** What follows the request on the guard's standard input is the program's; otherwise it has none. */
  readonly input?: boolean;
}

export type GuardReport =
  | { readonly t: 'started'; readonly pid: number; readonly startTicks: string | null }
  | { readonly t: 'error'; readonly code: string; readonly message: string }
  | { readonly t: 'exit'; readonly exitCode: number | null; readonly signal: string | null };

/** What stands in a journal file while a program runs. */
export interface GuardJournal {
  readonly pid: number;
  /** Null where the system does not tell it; such an entry is never acted upon. */
  readonly startTicks: string | null;
  /** The process group, equal to the pid of its leader. */
  readonly group: number;
  readonly program: string;
  readonly startedAtMs: number;
  /** The engine that started it: while that lives, nobody else may end it. */
  readonly owner: ProcessIdentity;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

const isPid = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value > 1;
const isText = (value: unknown): value is string => typeof value === 'string';
const textOrNull = (value: unknown): string | null => (isText(value) ? value : null);

function parseIdentity(value: unknown): ProcessIdentity | null {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !isPid(value.pid)) return null;
  return { pid: value.pid, startTicks: 'startTicks' in value ? textOrNull(value.startTicks) : null };
}

/** One line of descriptor 3, or null when it is none. */
export function parseGuardReport(line: string): GuardReport | null {
  const v = parseObject(line);
  if (v === null) return null;
  if (v['t'] === 'started' && isPid(v['pid'])) return { t: 'started', pid: v['pid'], startTicks: textOrNull(v['startTicks']) };
  if (v['t'] === 'error' && isText(v['code']) && isText(v['message'])) return { t: 'error', code: v['code'], message: v['message'] };
  if (v['t'] === 'exit') return { t: 'exit', exitCode: typeof v['exitCode'] === 'number' ? v['exitCode'] : null, signal: textOrNull(v['signal']) };
  return null;
}

/** A journal file's text, or null when it was cut off or is none. */
export function parseGuardJournal(text: string): GuardJournal | null {
  const v = parseObject(text);
  const owner = parseIdentity(v?.['owner']);
  if (v === null || owner === null || !isPid(v['pid']) || !isPid(v['group']) || !isText(v['program']) || typeof v['startedAtMs'] !== 'number') return null;
  return { pid: v['pid'], startTicks: textOrNull(v['startTicks']), group: v['group'], program: v['program'], startedAtMs: v['startedAtMs'], owner };
}

/** The line that begins a guard's work, or null when it does not fit. */
export function parseGuardRequest(line: string): GuardRequest | null {
  const v = parseObject(line);
  if (v === null || !isText(v['program']) || !Array.isArray(v['args']) || !v['args'].every(isText) || typeof v['graceMs'] !== 'number') return null;
  const owner = parseIdentity(v['owner']);
  const env = v['env'];
  if (owner === null || typeof env !== 'object' || env === null) return null;
  const entries = Object.entries(env).filter((entry): entry is [string, string] => isText(entry[1]));
  return { program: v['program'], args: v['args'], cwd: textOrNull(v['cwd']), env: Object.fromEntries(entries), journal: textOrNull(v['journal']), owner, graceMs: v['graceMs'], input: v['input'] === true };
}

/** What identifies a process on Linux, from the text of /proc/PID/stat. */
export interface ProcessStat {
  readonly pid: number;
  /** One letter; Z is a zombie, X is dead. */
  readonly state: string;
  readonly group: number;
  /** Clock ticks since boot (field 22): with the pid it names one process for ever. */
  readonly startTicks: string;
}

/** Parses /proc/PID/stat (proc(5)). The name in field 2 may hold spaces and parentheses, so fields count from the last ")". */
export function parseProcessStat(text: string): ProcessStat | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const pid = Number(text.slice(0, open).trim());
  const fields = text.slice(close + 1).trim().split(/\s+/);
  // fields[0] is field 3 of the manual: state 3, pgrp 5, starttime 22.
  const [state, , group] = fields;
  const startTicks = fields[19];
  if (!Number.isInteger(pid) || state === undefined || group === undefined || startTicks === undefined || !/^\d+$/.test(startTicks)) return null;
  return { pid, state, group: Number(group), startTicks };
}
