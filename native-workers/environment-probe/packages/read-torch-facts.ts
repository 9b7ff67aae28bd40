import { join } from 'node:path';
import type { TorchFacts } from '../../../contract/environments.ts';
import type { CensusCache } from '../library/census-cache.ts';
import { decideTorchArchList } from '../library/decide-arch-list.ts';
import { readTorchLibraries } from '../library/read-torch-libraries.ts';
import type { BoundedReader } from './bounded-reader.ts';
import { showText } from './package-name.ts';
import { parseWheelTag } from './parse-metadata.ts';
import { hideCredentials } from './parse-requirement.ts';
import { decideBuildKind, type VersionFile } from './parse-version-file.ts';
import type { CondaPackage } from './read-conda-packages.ts';
import type { Distribution } from './read-distributions.ts';

const MAX_REQUIRES = 500;

export interface TorchReading {
  readonly facts: TorchFacts;
  readonly bytesRead: number;
  readonly troubles: readonly string[];
}

/** All facts of the torch folder that is imported. `distribution` and `conda`: who says that they installed it. */
export async function readTorchFacts(
  reader: BoundedReader,
  torch: { readonly path: string; readonly versionFile: VersionFile | null; readonly distribution: Distribution | null; readonly conda: CondaPackage | null },
  cache: CensusCache | undefined,
): Promise<TorchReading> {
  const read = await readTorchLibraries(torch.path, cache);
  const { versionFile: file, distribution, conda } = torch;
  const facts: TorchFacts = {
    path: torch.path,
    version: file?.version ?? null,
    metadataVersion: distribution?.version ?? conda?.version ?? null,
    build: decideBuildKind(file),
    cuda: file?.cuda ?? null,
    hip: file?.hip ?? null,
    installer: distribution?.installer ?? (conda === null ? null : 'conda'),
    directUrl: distribution?.kind === 'dist-info' ? parseDirectUrl(reader.readText(join(distribution.path, 'direct_url.json'), 16_384)) : null,
    condaBuild: conda?.build ?? null,
    wheelTag: distribution?.kind === 'dist-info' ? parseWheelTag(reader.readText(join(distribution.path, 'WHEEL'), 16_384) ?? '') : null,
    flags: read.flags,
    flagsFile: read.flagsFile,
    census: decideTorchArchList(read.libraries),
    libraries: read.libraries,
    requires: (distribution?.requires ?? []).slice(0, MAX_REQUIRES),
  };
  return { facts, bytesRead: read.bytesRead, troubles: read.troubles };
}

/** `url` of direct_url.json (PEP 610), credentials left out; null where the package came from an index. */
export function parseDirectUrl(text: string | null): string | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    const url = typeof value === 'object' && value !== null && 'url' in value ? value.url : null;
    return typeof url === 'string' && url.length <= 2000 ? showUrl(url) : null;
  } catch {
    return null;
  }
}

const showUrl = (url: string): string => hideCredentials(url.length <= 100 ? showText(url) : url.replace(/\s/g, ' '));
