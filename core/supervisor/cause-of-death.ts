import { makeProblem } from '../../contract/problem-catalogue.ts';
import type { Problem } from '../../contract/problem.ts';

/** What was seen of a process that ended without being asked to. */
export interface DeathEvidence {
  readonly name: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Set when it could not even be started. */
  readonly spawnError: string | null;
  /** The last of its stderr. */
  readonly stderr: string;
  /** The most resident memory that was seen, bytes. */
  readonly peakRssBytes: number | null;
  readonly memoryLimitBytes: number;
}

const MEGABYTE = 1024 * 1024;
/** What V8 prints before it aborts, and what the C++ runtime prints when `new` fails. */
const OUT_OF_MEMORY = /JavaScript heap out of memory|std::bad_alloc|Cannot allocate memory/;
/** A SIGKILL that we did not send, this near to the limit, was the kernel's out-of-memory killer. */
const NEAR_LIMIT = 0.8;
/** Signals by their number, for exit codes of 128 + n as shells report them. */
const SIGNALS: Readonly<Record<number, string>> = { 4: 'SIGILL', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE', 9: 'SIGKILL', 11: 'SIGSEGV', 15: 'SIGTERM' };

/** How it ended, in words that finish "ended with …". */
export function describeExit(exitCode: number | null, signal: string | null): string {
  if (signal !== null) return `signal ${signal}`;
  if (exitCode === null) return 'an unknown exit code';
  const name = exitCode > 128 ? SIGNALS[exitCode - 128] : undefined;
  return name === undefined ? `exit code ${exitCode}` : `exit code ${exitCode} (${name})`;
}

/** The line of stderr that says most: the last one that names an error, else the last that is not a stack frame. */
export function decideTellingLine(stderr: string): string {
  const lines = stderr.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('at ') && !/^Node\.js v\d/.test(line) && !/^[\^~]+$/.test(line));
  const line = lines.findLast((text) => /error|fatal|abort|exception|assert/i.test(text)) ?? lines.at(-1) ?? '';
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

/** The Problem of a death, from the evidence. `facts.how` always says how it ended. */
export function decideCauseOfDeath(evidence: DeathEvidence): Problem {
  const { name, exitCode, signal, peakRssBytes, memoryLimitBytes } = evidence;
  if (evidence.spawnError !== null) return makeProblem('worker.crashed', { name, how: 'an error at its start', detail: evidence.spawnError });
  const how = describeExit(exitCode, signal);
  const killedNearLimit = signal === 'SIGKILL' && peakRssBytes !== null && peakRssBytes >= memoryLimitBytes * NEAR_LIMIT;
  if (killedNearLimit || (exitCode !== 0 && OUT_OF_MEMORY.test(evidence.stderr))) {
    return makeProblem('worker.out_of_memory', { name, how, megabytes: peakRssBytes === null ? null : Math.round(peakRssBytes / MEGABYTE), limit: Math.round(memoryLimitBytes / MEGABYTE) });
  }
  return makeProblem('worker.crashed', { name, how, exitCode, signal, detail: decideTellingLine(evidence.stderr) });
}
