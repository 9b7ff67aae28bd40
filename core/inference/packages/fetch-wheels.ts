import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunPackageTool } from './create-package-runner.ts';
import type { ExactPackage } from './package-tools.ts';

/**
 * Gets one wheel by the name and version of its package into a folder of ours.
 * @returns the wheel, or a folder with its content where only uv is there, which unpacks what it fetches
 * @throws as `RunPackageTool`
 */
export type FetchWheel = (name: string, version: string, folder: string, signal: AbortSignal, onProgress: (doneBytes: number, totalBytes: number | null) => void) => Promise<string>;

/** With pip if it can be had: it tells how far it is, and leaves the wheel as it came. */
export function createWheelFetcher(run: RunPackageTool): FetchWheel {
  return async (name, version, folder, signal, onProgress) => {
    const unpacked = join(folder, 'unpacked');
    const tool = await run({
      packages: [{ name, version }], folder, first: 'pip', signal, onBytes: onProgress,
      pip: ['download', '--no-cache-dir', '--dest', folder],
      // A copy, not a link: the cache of uv stays its own.
      uv: ['install', '--target', unpacked, '--link-mode', 'copy'],
    });
    if (tool === 'uv') return unpacked;
    return join(folder, (await readdir(folder)).find((file) => file.endsWith('.whl')) ?? '');
  };
}

/**
 * Fetches these packages and leaves what is in them below the folder (as `pip install --no-deps --target` does).
 * @throws as `RunPackageTool`
 */
export type UnpackWheels = (packages: readonly ExactPackage[], folder: string, signal: AbortSignal, onProgress: (progress: { readonly fraction: number | null; readonly doing: string }) => void) => Promise<void>;

/** With uv if it can be had: it is the faster one, and what its cache has is not fetched again. */
export function createWheelUnpacker(run: RunPackageTool): UnpackWheels {
  return async (packages, folder, signal, onProgress) => {
    const target = ['install', '--target', folder];
    await run({
      packages, folder, first: 'uv', pip: target, uv: target, signal,
      onLine: (line) => { if (/^(?:Downloading|Installing|Prepared|Resolved)\b/.test(line)) onProgress({ fraction: null, doing: line.slice(0, 120) }); },
    });
  };
}
