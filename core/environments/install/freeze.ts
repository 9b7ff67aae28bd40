import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { DEFAULT_TORCH_INDEX } from './index-access.ts';
import { MAX_RECORD, readInstalledPackages, readSmallFile } from './read-installed-packages.ts';
import { redactUrl } from './redact-url.ts';

export interface FrozenPackage {
  readonly name: string;
  readonly version: string;
  readonly installer: string | null;
  /** Of direct_url.json, without credentials. */
  readonly directUrl: string | null;
  readonly editable: boolean;
  /** SHA-256 of its RECORD: the same files have the same RECORD. Null where there is none. */
  readonly recordSha256: string | null;
  /** SHA-256 of the archive, where direct_url.json tells it. */
  readonly archiveSha256: string | null;
  /** The index that its local label names; null: the index that the tool is set to. */
  readonly indexUrl: string | null;
}
export interface Freeze {
  /** A requirements file with the indexes in it, as `pip install -r` reads it. */
  readonly text: string;
  readonly packages: readonly FrozenPackage[];
  /** An `@EXPLICIT` list of conda; null where there are no conda packages. */
  readonly condaExplicit: string | null;
}

/** What is installed, from files alone, with what `freeze` of the tools leaves out: hashes and where it came from. */
export async function freeze(environment: FoundEnvironment, torchIndexUrl = DEFAULT_TORCH_INDEX): Promise<Freeze> {
  const installed = [...(await readInstalledPackages(environment)).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const packages: FrozenPackage[] = [];
  for (const one of installed) {
    const record = await readSmallFile(join(one.infoFolder, 'RECORD'), MAX_RECORD);
    // torch's METADATA has no label when it came from the index of all packages; only a label names another index.
    const label = /\+((?:cu\d{2,3}|cpu|xpu|rocm[\d.]+))$/.exec(one.version)?.[1];
    packages.push({
      name: one.name, version: one.version, installer: one.installer, directUrl: one.direct === null ? null : redactUrl(one.direct.url), editable: one.direct?.editable ?? false,
      recordSha256: record === null ? null : createHash('sha256').update(record).digest('hex'), archiveSha256: one.direct?.sha256 ?? null, indexUrl: label === undefined ? null : `${torchIndexUrl}/${label}`,
    });
  }
  const indexes = [...new Set(packages.flatMap((one) => (one.indexUrl === null ? [] : [one.indexUrl])))];
  const lines = packages.map((one) => {
    if (one.directUrl === null) return `${one.name}==${one.version}`;
    return one.editable ? `-e ${one.directUrl}` : `${one.name} @ ${one.directUrl}${one.archiveSha256 === null ? '' : `#sha256=${one.archiveSha256}`}`;
  });
  return { text: `${[...indexes.map((url) => `--extra-index-url ${url}`), ...lines].join('\n')}\n`, packages, condaExplicit: await readCondaExplicit(environment) };
}

/** `conda list --explicit --md5` from conda-meta. */
async function readCondaExplicit(environment: FoundEnvironment): Promise<string | null> {
  const folder = join(environment.prefix, 'conda-meta');
  const names = (await readdir(folder).catch(() => [] as string[])).filter((name) => name.endsWith('.json')).slice(0, 5000).sort();
  const lines: string[] = [];
  for (const name of names) {
    // The list of its files is in the same document.
    const text = await readSmallFile(join(folder, name), MAX_RECORD);
    const url = /"url"\s*:\s*"([^"]{1,4096})"/.exec(text ?? '')?.[1];
    const md5 = /"md5"\s*:\s*"([0-9a-f]{32})"/.exec(text ?? '')?.[1];
    if (url !== undefined) lines.push(`${redactUrl(url)}${md5 === undefined ? '' : `#${md5}`}`);
  }
  return lines.length === 0 ? null : `@EXPLICIT\n${lines.join('\n')}\n`;
}
