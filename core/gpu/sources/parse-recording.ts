import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { type Problem, ProblemError } from '../../../contract/problem.ts';
import { sourceEvent, type SourceEvent } from '../../../contract/nvml-worker.ts';
import { RECORDING_VERSION, recordingHeader, type RecordingHeader } from '../../../contract/recording.ts';

export const recordingLimits = { lineBytes: 1_048_576, fileBytes: 268_435_456, devices: 64 } as const;

/** A source event and when it came, milliseconds since the recording began. */
export interface RecordedEvent {
  readonly dt: number;
  readonly event: SourceEvent;
}
export interface Recording {
  readonly header: RecordingHeader;
  readonly events: readonly RecordedEvent[];
  /** `recording.truncated` when the end is missing: what is whole is played. */
  readonly problem: Problem | null;
}

const recordedLine = z.object({ dt: z.number().min(0).max(366 * 86_400_000) });
/** Looked at before the header's shape: a newer header may have another. */
const versionOnly = z.object({ kind: z.literal('warpdeck-recording'), schemaVersion: z.int() });

export interface RecordingParser {
  /** @throws ProblemError `recording.garbage`, `recording.newer` */
  line(text: string): void;
  /** `whole`: the text ended with a line break. @throws ProblemError `recording.garbage` */
  end(whole: boolean): Recording;
}

/** Takes the lines of a recording one by one. `path` is only for the words of a Problem. */
export function createRecordingParser(path: string): RecordingParser {
  let header: RecordingHeader | null = null;
  const events: RecordedEvent[] = [];
  let lineNumber = 0;
  let lastDt = 0;
  let frames = 0;
  /** A bad line is only a cut-off end when nothing follows it. */
  let bad: { line: number; detail: string } | null = null;
  const garbage = (line: number, detail: string): ProblemError => problemError('recording.garbage', { path, line, detail });

  function readHeader(value: unknown): void {
    const version = versionOnly.safeParse(value);
    if (!version.success) throw garbage(1, 'the first line is not the header of a recording');
    if (version.data.schemaVersion > RECORDING_VERSION) throw problemError('recording.newer', { path, found: version.data.schemaVersion, known: RECORDING_VERSION });
    const parsed = recordingHeader.safeParse(value);
    if (!parsed.success) throw garbage(1, describe(parsed.error));
    if (parsed.data.devices.length > recordingLimits.devices) throw garbage(1, `it names ${parsed.data.devices.length} devices; ${recordingLimits.devices} is the limit`);
    header = parsed.data;
  }

  return {
    line(text) {
      lineNumber += 1;
      if (bad !== null) throw garbage(bad.line, bad.detail);
      if (text.length > recordingLimits.lineBytes) throw garbage(lineNumber, `the line is longer than ${recordingLimits.lineBytes / 1_048_576} MB`);
      if (text.trim() === '') return;
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        if (header === null) throw garbage(lineNumber, 'it is not JSON');
        bad = { line: lineNumber, detail: 'it is not JSON' };
        return;
      }
      if (header === null) { readHeader(value); return; }
      const dt = recordedLine.safeParse(value);
      const parsed = sourceEvent.safeParse(value);
      if (!dt.success || !parsed.success) throw garbage(lineNumber, describe(dt.error ?? parsed.error));
      if (dt.data.dt < lastDt) throw garbage(lineNumber, 'its time lies before that of the line above');
      const event = parsed.data;
      if (event.type === 'devices' && event.devices.length > recordingLimits.devices) throw garbage(lineNumber, `it names ${event.devices.length} devices`);
      if (event.type === 'frame') frames += 1;
      lastDt = dt.data.dt;
      events.push({ dt: lastDt, event });
    },
    end(whole) {
      if (header === null) throw garbage(1, 'the file is empty');
      // A complete line that is not JSON is garbage; only a line without its end is a file that was cut off.
      if (bad !== null && whole) throw garbage(bad.line, bad.detail);
      const problem = bad === null ? null : makeProblem('recording.truncated', { path, line: bad.line, frames });
      return { header, events, problem };
    },
  };
}

function describe(error: z.ZodError | undefined): string {
  const issue = error?.issues[0];
  if (issue === undefined) return 'it has an unknown shape';
  const place = issue.path.map(String).join('.').slice(0, 80);
  return `${place === '' ? 'it' : place}: ${issue.message.slice(0, 160)}`;
}

/** Parses a whole recording. @throws ProblemError `recording.garbage`, `recording.newer` */
export function parseRecording(text: string | readonly string[], path = 'recording'): Recording {
  const parser = createRecordingParser(path);
  const lines = typeof text === 'string' ? text.split('\n') : text;
  for (const line of lines) parser.line(line);
  return parser.end(typeof text === 'string' && text.endsWith('\n'));
}

/**
 * Reads a recording without holding up the event loop.
 * @throws ProblemError `recording.not_found`, `recording.garbage`, `recording.newer`
 */
export async function readRecording(path: string): Promise<Recording> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw problemError('recording.not_found', { path, detail: 'it is not a file' });
    if (info.size > recordingLimits.fileBytes) throw problemError('recording.garbage', { path, line: 0, detail: `the file is larger than ${recordingLimits.fileBytes / 1_048_576} MB` });
    const parser = createRecordingParser(path);
    let rest = '';
    for await (const piece of createReadStream(path, { encoding: 'utf8', highWaterMark: 65_536 })) {
      const lines = (rest + String(piece)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) parser.line(line);
      if (rest.length > recordingLimits.lineBytes) parser.line(rest);
    }
    if (rest !== '') parser.line(rest);
    return parser.end(rest === '');
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw problemError('recording.not_found', { path, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}
