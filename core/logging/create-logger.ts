import { randomBytes } from 'node:crypto';
import { homedir, hostname, userInfo } from 'node:os';
import { pino } from 'pino';
import type { Settings } from '../../contract/settings.ts';
import { cleanFields, createRedactor, type Identity, type Redact } from './redact-text.ts';
import type { LogFields, Logger } from './logger.ts';
import { openRotatingFile } from './rotating-file.ts';

export interface RootLogger extends Logger {
  /** Nothing waits in this process: every line is handed to the system when it is written. Kept for the end of a process. */
  flush(): void;
  /** The newest lines, whole ones, at most so many bytes. */
  tail(maxBytes: number): string;
  /** A new number that ties a Problem to the lines about it: log it as the field `incident`. */
  incident(): string;
  /** From now on this value is hidden wherever it would be written. */
  hide(secret: string): void;
  setLevel(level: Settings['logs']['level']): void;
  setKeepMiB(keepMiB: number): void;
  /** What the log is redacted with, for other text that leaves the machine. */
  readonly redact: Redact;
}

export interface LoggerOptions {
  /** Folder of `main.log`; null: in memory only. */
  readonly dir: string | null;
  readonly level: string;
  readonly keepMiB?: number;
  readonly identity?: Identity;
}

/** Lines kept in memory where nothing is kept on disk, bytes. */
const MEMORY_BYTES = 256 * 1024;
const MIB = 1024 * 1024;

/**
 * The engine's log: one line of JSON each, in a file that is kept small, redacted, and never the cause of a failure.
 * pino makes the lines; they are written by us, in this thread, so that the last ones before an end are there.
 */
export function createLogger(options: LoggerOptions): RootLogger {
  const secrets = new Set<string>();
  const redact = createRedactor(options.identity ?? readIdentity(), () => [...secrets]);
  const file = options.dir === null ? null : openRotatingFile(options.dir, 'main', (options.keepMiB ?? 32) * MIB);
  let memory: string[] = [];
  let memoryBytes = 0;

  const remember = (line: string): void => {
    memory.push(line);
    memoryBytes += line.length;
    if (memoryBytes < 2 * MEMORY_BYTES) return;
    memory = memory.slice(memory.length >> 1);
    memoryBytes = memory.reduce((sum, one) => sum + one.length, 0);
  };
  const base = pino(
    { level: options.level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) }, messageKey: 'message' },
    { write: (line: string) => (file === null ? remember : file.write)(escapeControls(line)) },
  );

  const make = (area: string | null): Logger => {
    const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: LogFields): void => {
      try {
        if (!base.isLevelEnabled(level)) return;
        const clean = fields === undefined ? {} : (cleanFields(fields, redact) as LogFields);
        base[level]({ ...(area === null ? {} : { area }), ...withoutReserved(clean) }, redact(message));
      } catch {
        // A log line is never worth more than the work it tells of.
      }
    };
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: make };
  };

  return {
    ...make(null),
    flush: () => undefined,
    tail(maxBytes) {
      if (file !== null) return file.tail(maxBytes);
      const text = Buffer.from(memory.join(''));
      if (text.length <= maxBytes) return text.toString();
      const last = text.subarray(text.length - maxBytes).toString();
      return last.slice(last.indexOf('\n') + 1);
    },
    incident: () => `i-${Date.now().toString(36)}-${randomBytes(2).toString('hex')}`,
    hide: (secret) => void (secret.length >= 4 && secrets.add(secret)),
    setLevel: (level) => void (base.level = level),
    setKeepMiB: (keepMiB) => file?.setKeepBytes(keepMiB * MIB),
    redact,
  };
}

/** Who this is: what must not be in a log that is sent to somebody. */
export function readIdentity(): Identity {
  let userName: string | null = null;
  try {
    userName = userInfo().username;
  } catch {
    // A user id without a name (containers).
  }
  return { home: process.env['HOME'] ?? homedir(), userName, hostName: hostname() };
}

/** Names that pino writes itself: a field of that name would stand twice in the line. */
function withoutReserved(fields: LogFields): LogFields {
  const entries = Object.entries(fields).map(([key, value]) => [['level', 'time', 'pid', 'message', 'area'].includes(key) ? `_${key}` : key, value]);
  return Object.fromEntries(entries) as LogFields;
}

/** JSON leaves DEL, C1 controls, line separators and direction marks as they are; a terminal or an editor obeys them. */
export function escapeControls(line: string): string {
  return line.replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
