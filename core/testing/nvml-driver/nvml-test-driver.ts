import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNvmlDriver, type LeftOut } from './build-nvml-driver.ts';
import { makeNvmlFeed } from './nvml-feed.ts';

/** Faults that the test driver can be told in mid-run. A list is names with commas between. */
export interface NvmlControl {
  /** Code of nvmlInit_v2: 18 versions differ, 9 module not loaded, 4 no permission … */
  readonly init?: number;
  /** UUIDs whose calls answer 15 (lost) or 16 (reset required). */
  readonly lost?: string;
  readonly reset?: string;
  /** A function that hangs until this is withdrawn, aborts, or accesses memory that is not there. */
  readonly hang?: string;
  readonly abort?: string;
  readonly segv?: string;
  /** Value names of nvml-feed.h that answer all ones, or 3 (not supported); `all` is all. */
  readonly garbage?: string;
  readonly unsupported?: string;
  /** `function:code,…` */
  readonly fail?: string;
  /** So many compute processes on the first GPU; `process_growth` more at each call. */
  readonly processes?: number;
  readonly process_growth?: number;
  /** As under WDDM and WSL. */
  readonly process_memory?: 'none';
  /** Busy wait per call: µs, or NVML's own cost as measured on an H200. */
  readonly cost_us?: number | 'measured';
  /** Only the first so many GPUs are there. */
  readonly gpus?: number;
  /** `UUID:79`: one Xid event. */
  readonly xid?: string;
  /** Stands still at this frame of the recording. */
  readonly frame?: number;
}

export function makeNvmlControl(control: NvmlControl): string {
  return Object.entries(control).map(([key, value]) => `${key}=${value}\n`).join('');
}

/** The recordings of e2e/fixtures/recordings. */
export type RecordingName = 'h200-two' | 'h200-eight' | 'rtx-5090' | 'h100-mig' | 'gb10-unified' | 'wsl-5090';

export function readRecording(name: RecordingName): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../../e2e/fixtures/recordings/${name}.jsonl`, import.meta.url)), 'utf8');
}

export interface NvmlTestDriver {
  /** For the worker's environment: LD_LIBRARY_PATH and the two files. */
  readonly env: Readonly<Record<string, string>>;
  readonly libraryDir: string;
  setControl(control: NvmlControl): Promise<void>;
  dispose(): Promise<void>;
}

/** Builds the driver (cached) and lays out a feed and a control file for it in a folder of their own. */
export async function makeNvmlTestDriver(options: { readonly recording: RecordingName | { readonly text: string }; readonly control?: NvmlControl; readonly without?: readonly LeftOut[] }): Promise<NvmlTestDriver> {
  const { libraryDir } = await buildNvmlDriver(options.without === undefined ? {} : { without: options.without });
  const folder = await mkdtemp(join(tmpdir(), 'warpdeck-nvml-'));
  const feed = join(folder, 'feed.txt');
  const control = join(folder, 'control.txt');
  await writeFile(feed, makeNvmlFeed(typeof options.recording === 'string' ? await readRecording(options.recording) : options.recording.text));
  const setControl = async (faults: NvmlControl): Promise<void> => {
    // Renamed into place: the driver never reads half a file.
    await writeFile(`${control}.new`, makeNvmlControl(faults));
    await rename(`${control}.new`, control);
  };
  await setControl(options.control ?? {});
  return {
    env: { LD_LIBRARY_PATH: libraryDir, WARPDECK_TEST_NVML_FEED: feed, WARPDECK_TEST_NVML_CONTROL: control },
    libraryDir,
    setControl,
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
