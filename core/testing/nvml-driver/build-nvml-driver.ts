import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const VERSION = '580.159.04';

/** What a driver of before 2023 does not have yet. */
export const oldDriverLacks = [
  'nvmlDeviceGetTemperatureV', 'nvmlDeviceGetMemoryInfo_v2', 'nvmlDeviceGetCurrentClocksEventReasons', 'nvmlDeviceGetFieldValues', 'nvmlDeviceGetProcessUtilization', 'nvmlDeviceGetComputeRunningProcesses_v3', 'nvmlEventSetCreate',
] as const;
export type LeftOut = (typeof oldDriverLacks)[number] | 'nvmlInit_v2';

/**
 * Builds our test driver with gcc, once per source and variant, into a cache under the system's temporary folder.
 * `libraryDir` holds libnvidia-ml.so.1, a link to libnvidia-ml.so.580.159.04 as a real installation has it: name it
 * in LD_LIBRARY_PATH. Rejects when there is no gcc.
 */
export async function buildNvmlDriver(options: { readonly without?: readonly LeftOut[] } = {}): Promise<{ readonly libraryDir: string }> {
  const without = [...(options.without ?? [])].sort();
  const sources = await Promise.all(['nvml-driver.c', 'nvml-feed.h'].map((name) => readFile(join(here, name))));
  const hash = createHash('sha256').update(sources[0] ?? '').update(sources[1] ?? '').update(without.join()).digest('hex').slice(0, 16);
  const cache = join(tmpdir(), `warpdeck-nvml-driver-${process.getuid?.() ?? 'user'}`);
  const libraryDir = join(cache, hash);
  if (existsSync(join(libraryDir, 'libnvidia-ml.so.1'))) return { libraryDir };
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const building = await mkdtemp(join(cache, 'building-'));
  const run = promisify(execFile);
  const library = `libnvidia-ml.so.${VERSION}`;
  await run('gcc', ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-Wno-unused-function', '-fPIC', '-shared', ...without.map((name) => `-DWITHOUT_${name}`), '-o', join(building, library), join(here, 'nvml-driver.c')]);
  await run('ln', ['-s', library, join(building, 'libnvidia-ml.so.1')]);
  try {
    await rename(building, libraryDir);
  } catch (error) {
    // Another test run built the same at the same moment; theirs is as good.
    await rm(building, { recursive: true, force: true });
    if (!existsSync(join(libraryDir, 'libnvidia-ml.so.1'))) throw error;
  }
  return { libraryDir };
}
