import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import type { Inventory } from '../../../contract/gpu.ts';
import type { SourceEvent } from '../../../contract/nvml-worker.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, type Problem } from '../../../contract/problem.ts';
import { RECORDING_VERSION, type RecordingHeader } from '../../../contract/recording.ts';

export interface RecordingWriter {
  /** Takes what the source says, in order. Frames that the disk cannot keep up with are counted as lost. */
  write(event: SourceEvent): void;
  counts(): { readonly frames: number; readonly bytes: number; readonly lostFrames: number };
  /** What stopped the writing (`file.disk_full`, `file.not_writable`), or null. */
  problem(): Problem | null;
  /** @throws ProblemError `file.disk_full`, `file.not_writable` */
  close(): Promise<{ frames: number; bytes: number }>;
}

/** More than this waiting for the disk: frames are left out until it has caught up. */
const WAITING_LIMIT_BYTES = 8 * 1_048_576;

/** Digits that a driver really gives; the rest is floating-point dust that would double the file. */
const decimals: Readonly<Record<string, number>> = { powerWatts: 3, energyJoules: 3, tookMs: 3, powerCapSeconds: 3, thermalSoftwareSeconds: 3, thermalHardwareSeconds: 3, powerBrakeSeconds: 3, rateHz: 2 };
function round(key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  const digits = decimals[key] ?? (key.endsWith('Bytes') || key.endsWith('PerSecond') || key.endsWith('Ms') ? 0 : 3);
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}

/**
 * Writes what a source says as a replayable file (mode 0600). The file must not exist yet.
 * @throws ProblemError `file.not_writable`
 */
export async function createRecordingWriter(options: {
  readonly path: string;
  readonly app: string;
  readonly inventory: Inventory;
  readonly note: string | null;
  readonly now?: () => number;
}): Promise<RecordingWriter> {
  const { path, inventory, app } = options;
  const now = options.now ?? Date.now;
  const beganMs = now();
  const stream = createWriteStream(path, { mode: 0o600, flags: 'wx' });
  let failure: Problem | null = null;
  let frames = 0, bytes = 0, lostFrames = 0;
  let lastDt = 0;
  const asProblem = (error: unknown): Problem => {
    const detail = error instanceof Error ? error.message : String(error);
    const full = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
    return makeProblem(full ? 'file.disk_full' : 'file.not_writable', { path, detail });
  };
  stream.on('error', (error) => { failure ??= asProblem(error); });
  try {
    await once(stream, 'open');
  } catch (error) {
    throw problemError('file.not_writable', { path, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }

  function put(value: unknown): void {
    const line = `${JSON.stringify(value, round)}\n`;
    bytes += Buffer.byteLength(line);
    stream.write(line);
  }
  const header: RecordingHeader = {
    kind: 'warpdeck-recording', schemaVersion: RECORDING_VERSION, app, recordedAtMs: beganMs, driver: inventory.driver, devices: inventory.devices,
    provenance: inventory.provenance ?? { recordedOn: `${process.platform} ${process.arch}, driver ${inventory.driver.driverVersion ?? 'unknown'}`, edited: [], note: options.note },
  };
  put(options.note === null ? header : { ...header, provenance: { ...header.provenance, note: options.note } });

  return {
    write(event) {
      if (failure !== null || event.type === 'rate') return;
      if (stream.writableLength > WAITING_LIMIT_BYTES) { if (event.type === 'frame') lostFrames += 1; return; }
      const atMs = event.type === 'frame' ? event.frame.atMs : event.type === 'processes' || event.type === 'xid' ? event.atMs : now();
      lastDt = Math.max(lastDt, atMs - beganMs);
      if (event.type === 'frame') frames += 1;
      // Of processes a driver knows pids only: who ran what does not get into a file that is made to be given away.
      put({ dt: Math.round(lastDt), ...event });
    },
    counts: () => ({ frames, bytes, lostFrames }),
    problem: () => failure,
    async close() {
      await new Promise<void>((resolve) => { if (stream.closed || failure !== null) { stream.destroy(); resolve(); } else { stream.once('close', () => resolve()); stream.end(); } });
      if (failure !== null) {
        // What is whole is kept and can be played; a file without a byte is nothing.
        if ((await stat(path).catch(() => null))?.size === 0) await rm(path, { force: true }).catch(() => undefined);
        throw new ProblemError(failure);
      }
      return { frames, bytes };
    },
  };
}
