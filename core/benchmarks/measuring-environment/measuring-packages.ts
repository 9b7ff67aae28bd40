import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const wheel = z.object({ file: z.string().regex(/^numpy-[\w.+-]+\.whl$/), bytes: z.int().positive(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });
export type PinnedWheel = z.infer<typeof wheel>;
const release = z.object({ version: z.string(), abis: z.array(z.string()), wheels: z.array(wheel) });
export type PinnedRelease = z.infer<typeof release>;

/** Releases of NumPy with the hashes that were published: resources/data/measuring-packages.json. @throws when the table that ships is missing or wrong */
export async function readMeasuringPackages(resources: string): Promise<readonly PinnedRelease[]> {
  const table = z.object({ package: z.literal('numpy'), source: z.string(), releases: z.array(release) });
  return table.parse(JSON.parse(await readFile(join(resources, 'data', 'measuring-packages.json'), 'utf8'))).releases;
}

export interface ThisSystem {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Linux without glibc. */
  readonly musl: boolean;
}

export interface PinnedChoice {
  readonly version: string;
  /** Of every wheel for this ABI, whatever the system: pip and uv choose among them. */
  readonly sha256: readonly string[];
  /** The one for this system. */
  readonly wheel: PinnedWheel;
}

const machines: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: '(?:aarch64|arm64)' };

/** The release for an interpreter's ABI (`cp312`, `cp313t`); null: none is pinned for it or for this system. Pure. */
export function decidePinned(releases: readonly PinnedRelease[], abi: string | null, system: ThisSystem): PinnedChoice | null {
  const release = releases.find((one) => abi !== null && one.abis.includes(abi));
  const machine = machines[system.arch];
  if (release === undefined || machine === undefined) return null;
  const wheels = release.wheels.filter(({ file }) => file.includes(`-${abi ?? ''}-`));
  const fits = system.platform === 'win32' ? new RegExp(`-win_${system.arch === 'x64' ? 'amd64' : 'arm64'}\\.whl$`)
    : system.platform === 'darwin' ? new RegExp(`-macosx_\\d+_\\d+_${machine}\\.whl$`)
      : system.platform === 'linux' ? new RegExp(`${system.musl ? '-musllinux' : '-manylinux'}_[\\w.]*${machine}\\.whl$`) : null;
  // The first one asks for the oldest system.
  const wheel = fits === null ? undefined : wheels.find(({ file }) => fits.test(file));
  return wheel === undefined ? null : { version: release.version, sha256: wheels.map((one) => one.sha256), wheel };
}

/** `3.8 to 3.15`. Pure. */
export function nameVersions(releases: readonly PinnedRelease[]): string {
  const minors = releases.flatMap(({ abis }) => abis).flatMap((abi) => {
    const minor = /^cp3(\d+)$/.exec(abi)?.[1];
    return minor === undefined ? [] : [Number(minor)];
  }).sort((a, b) => a - b);
  return `3.${String(minors[0])} to 3.${String(minors.at(-1))}`;
}
