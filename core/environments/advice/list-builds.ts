import { listWheels, wheelServes, type WheelRow } from '../tables/list-wheels.ts';
import { compareVersions } from '../verdict/architecture-rules.ts';
import type { AdviceTables, TorchRelease } from './advice-tables.ts';
import type { Platform } from './quote-command.ts';

/** One official wheel of torch: a patch release with a CUDA label, and what the tables know of it. */
export interface Build {
  /** `2.14`: the row of the wheel table. */
  readonly line: string;
  /** `2.14.1`, without the label. */
  readonly version: string;
  readonly label: string;
  readonly row: WheelRow;
  /** A plain package index gives this one for the version. */
  readonly indexDefault: boolean;
  readonly release: TorchRelease;
  /** Places in the order of releases and of release lines, oldest 0; the CUDA version as a number: for sorting. */
  readonly at: number;
  readonly lineAt: number;
  readonly cudaNumber: number;
}

/** `2.14.1` → `2.14`. */
export const lineOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/** The ceiling of a label's index as the table writes it: `2.7.1`, `2.14.x`, `2.13.0 (Linux only)`. */
export function withinCeiling(version: string, label: string, tables: AdviceTables): boolean {
  const ceiling = tables.wheels.index_ceiling[label]?.split(' ')[0];
  if (ceiling === undefined) return true;
  return ceiling.endsWith('.x') ? compareVersions(lineOf(version), ceiling.slice(0, -2)) <= 0 : compareVersions(version, ceiling) <= 0;
}

const listed = new WeakMap<AdviceTables, Map<Platform, readonly Build[]>>();
/** Every official CUDA build for the platform by patch release, oldest first. CPU builds are none. Made once for a table. */
export function listBuilds(platform: Platform, tables: AdviceTables): readonly Build[] {
  const lists = listed.get(tables) ?? new Map<Platform, readonly Build[]>(), before = lists.get(platform);
  if (before !== undefined) return before;
  const rows = listWheels(tables.wheels, platform);
  const releases = [...tables.releases.releases].sort((a, b) => compareVersions(a.version, b.version));
  const lines = [...new Set(releases.map((r) => lineOf(r.version)))];
  const made = releases.flatMap((release, at) => rows
    .filter((row) => row.release === lineOf(release.version) && (row.minPatch === null || compareVersions(release.version, row.minPatch) >= 0) && withinCeiling(release.version, row.label, tables))
    .map((row): Build => ({ line: row.release, version: release.version, label: row.label, row, indexDefault: row.isDefault, release, at, lineAt: lines.indexOf(row.release), cudaNumber: Number(row.label.slice(2)) })));
  listed.set(tables, lists.set(platform, made));
  return made;
}

/** The build has code that a GPU of this capability executes as it stands. */
export const buildServes = (build: Build, capability: string | null): boolean => wheelServes(build.row, capability) === 'native';

/** Wheels for this Python: `no`, `experimental` (its makers call them so), or `yes`. Null Python: not known, so yes. */
export function pythonFits(release: TorchRelease, python: string | null, freeThreaded = false): 'yes' | 'experimental' | 'no' {
  if (python === null) return 'yes';
  const minor = lineOf(python);
  if (freeThreaded) return release.freeThreaded.includes(minor) ? 'yes' : 'no';
  if (compareVersions(minor, release.python[0]) >= 0 && compareVersions(minor, release.python[1]) <= 0) return 'yes';
  return release.experimental === minor ? 'experimental' : 'no';
}

/** `Python 3.10 to 3.14`. */
export const pythonWords = (release: TorchRelease): string => `Python ${release.python[0]} to ${release.python[1]}`;
