import type { FoundEnvironment, RecordCheck } from '../../../contract/environments.ts';
import { createBoundedReader } from './bounded-reader.ts';
import { decideComparable, readRecordPaths } from './check-record.ts';
import { hashFiles } from './hash-files.ts';
import { createPacer } from './pacer.ts';
import { readDistributions } from './read-distributions.ts';
import { readRealPath } from './read-real-path.ts';

export interface HashCheck {
  readonly files: number;
  readonly damaged: RecordCheck['examples'];
}

/**
 * Reads every recorded file of an environment, or of the packages named (normalised), and compares its SHA-256 with
 * RECORD. It reads gigabytes: for the check of an upgrade and on request, never in an X-ray. An aborted signal ends it.
 */
export async function checkRecordHashes(environment: FoundEnvironment, options: { readonly packages?: readonly string[]; readonly signal?: AbortSignal; readonly onBytes?: (bytes: number) => void } = {}): Promise<HashCheck> {
  const reader = createBoundedReader();
  const pause = createPacer();
  const wanted = options.packages === undefined ? null : new Set(options.packages);
  const expected = new Map<string, { package: string; path: string; hash: string }>();
  // `lib64` of a venv is a link to `lib`: each real folder once.
  const folders = new Map(environment.packageFolders.toReversed().map((folder) => [readRealPath(folder) ?? folder, folder]));
  for (const folder of folders.values()) {
    const scan = await readDistributions(reader, folder, pause);
    for (const distribution of scan.distributions) {
      if (!decideComparable(distribution, environment) || (wanted !== null && !wanted.has(distribution.name))) continue;
      for (const file of readRecordPaths(reader, distribution, environment.prefix)) {
        if (file.hash?.startsWith('sha256=') !== true || file.path.endsWith('.pyc')) continue;
        expected.set(`${distribution.name}\0${file.absolutePath}`, { package: distribution.name, path: file.path, hash: file.hash });
      }
      await pause();
    }
  }
  const pathOf = (key: string): string => key.slice(key.indexOf('\0') + 1);
  const { packages: _, ...hashing } = options;
  const hashes = await hashFiles([...expected.keys()].map(pathOf), hashing);
  const damaged = [...expected].flatMap(([key, file]): RecordCheck['examples'] => {
    const hash = hashes.get(pathOf(key)) ?? null;
    return hash === file.hash ? [] : [{ package: file.package, path: file.path, what: hash === null ? 'missing' : 'hash' }];
  });
  return { files: expected.size, damaged };
}
