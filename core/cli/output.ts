import { once } from 'node:events';

/** Where a command's words go: results to standard output, everything about them to standard error. */
export interface Output {
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Columns of the terminal; null when standard output is none: then nothing is cut. */
  readonly columns: number | null;
  /** Bits of colour on standard output: 1 (none), 4, 8 or 24. NO_COLOR makes it 1. */
  readonly colourDepth: number;
  /** Waits while the reader is slow. */
  write(text: string): Promise<void>;
  line(text: string): Promise<void>;
  /** A JSON document (indented on a terminal). */
  json(value: unknown): Promise<void>;
  /** One JSON object on one line. */
  jsonLine(value: unknown): Promise<void>;
  /** A sentence about what happens, on standard error; silent with --quiet. */
  note(text: string): void;
  /** A line that is rewritten in place while something goes on (terminals only); `note` or `endProgress` ends it. */
  progress(text: string): void;
  endProgress(): void;
  /** Trouble, on standard error; never silent. */
  error(text: string): void;
}

/** JSON in which a terminal finds nothing to obey: C1 controls (U+0080–U+009F) and DEL escaped too. */
export function toJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(/[\u007f-\u009f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

export function createOutput(options: { readonly stdout: NodeJS.WriteStream; readonly stderr: NodeJS.WriteStream; readonly quiet: boolean; readonly env: NodeJS.ProcessEnv; readonly onReaderGone: () => void }): Output {
  const { stdout, stderr, quiet } = options;
  let gone = false;
  let progressShown = false;
  // `warpdeck … | head`: the reader has what it wanted, nothing is wrong.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    gone = true;
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') options.onReaderGone();
    else throw error;
  });
  stderr.on('error', () => undefined);
  const stdoutIsTerminal = 'isTTY' in stdout && stdout.isTTY;
  const stderrIsTerminal = 'isTTY' in stderr && stderr.isTTY;
  const noColour = (options.env['NO_COLOR'] ?? '') !== '';
  const endProgress = (): void => {
    if (!progressShown) return;
    stderr.write('\r\u001b[K');
    progressShown = false;
  };
  const write = async (text: string): Promise<void> => {
    if (gone || text === '') return;
    endProgress();
    if (stdout.write(text)) return;
    await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => undefined);
  };
  return {
    stdoutIsTerminal,
    stderrIsTerminal,
    columns: stdoutIsTerminal ? stdout.columns : null,
    colourDepth: stdoutIsTerminal && !noColour && options.env['TERM'] !== 'dumb' ? stdout.getColorDepth(options.env) : 1,
    write,
    line: (text) => write(`${text}\n`),
    json: (value) => write(`${toJson(value, stdoutIsTerminal ? 2 : 0)}\n`),
    jsonLine: (value) => write(`${toJson(value)}\n`),
    note(text) {
      if (quiet) return;
      endProgress();
      stderr.write(`${text}\n`);
    },
    progress(text) {
      if (quiet || !stderrIsTerminal) return;
      stderr.write(`\r\u001b[K${text}`);
      progressShown = true;
    },
    endProgress,
    error(text) {
      endProgress();
      stderr.write(`${text}\n`);
    },
  };
}
