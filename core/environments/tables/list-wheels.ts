import type { DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import { compareVersions, compilesFor, parseArchitecture, parseCapability, runsNatively } from '../verdict/architecture-rules.ts';
import type { WheelBuild, WheelTable } from './compatibility-tables.ts';

export type Platform = DriverFacts['platform'];

/** One official build of torch with CUDA, as the table has it. */
export interface WheelRow {
  readonly platform: Platform;
  /** `2.11`. */
  readonly release: string;
  /** `cu128`. */
  readonly label: string;
  /** `12.8`. */
  readonly cuda: string;
  readonly cudaMajor: number;
  /** `sm_75` …, and `compute_120` for PTX. */
  readonly archs: readonly string[];
  /** What a plain installation takes on this platform. */
  readonly isDefault: boolean;
  /** First patch release that has this label, where it is not the first of the release. */
  readonly minPatch: string | null;
  readonly confidence: WheelBuild['c'];
  /** For evidence. */
  readonly place: string;
}

const dates = new WeakMap<WheelTable, string>();
/** Date of the table. */
export function wheelTableDate(table: WheelTable): string {
  const state = table._about['state'], date = dates.get(table) ?? /\d{4}-\d{2}-\d{2}/.exec(typeof state === 'string' ? state : '')?.[0] ?? 'no date';
  dates.set(table, date);
  return date;
}
/** Place of a fact of pytorch-wheels.json, for evidence. */
export const wheelPlace = (table: WheelTable, what: string): string => `pytorch-wheels.json, ${what}, ${wheelTableDate(table)}`;

/** `cu128` → `12.8`; null for `cpu` and the like. */
export function cudaOfLabel(label: string): string | null {
  const match = /^cu(\d{2})(\d)$/.exec(label);
  return match === null ? null : `${match[1]}.${match[2]}`;
}
/** `12.8` → `cu128`. */
export const labelOfCuda = (cuda: string): string => `cu${cuda.split('.').slice(0, 2).join('')}`;

/** `2.8` of `2.8.0+cu128`; null where it is no version. */
export function releaseOf(version: string): string | null {
  const match = /^(\d+)\.(\d+)/.exec(version);
  return match === null ? null : `${match[1]}.${match[2]}`;
}

/** Releases that the table knows for a platform, oldest first. */
export function listReleases(table: WheelTable, platform: Platform): string[] {
  return Object.keys(platform === 'linux_aarch64' ? table.linux_aarch64 : table.linux_x86_64).sort(compareVersions);
}

const listed = new WeakMap<WheelTable, Map<Platform, readonly WheelRow[]>>();
/** All builds with CUDA for a platform: oldest release first, within a release by CUDA. Made once for a table. */
export function listWheels(table: WheelTable, platform: Platform): readonly WheelRow[] {
  const lists = listed.get(table) ?? new Map<Platform, readonly WheelRow[]>(), before = lists.get(platform);
  if (before !== undefined) return before;
  const made = makeRows(table, platform);
  listed.set(table, lists.set(platform, made));
  return made;
}

function makeRows(table: WheelTable, platform: Platform): WheelRow[] {
  const rows: WheelRow[] = [];
  for (const release of listReleases(table, platform)) {
    const found: [string, WheelBuild][] = platform === 'windows_x86_64'
      ? Object.entries(table.windows_x86_64).filter(([, w]) => compareVersions(release, w.from) >= 0 && (w.to === null || compareVersions(release, w.to) <= 0))
      : Object.entries(table[platform][release] ?? {});
    for (const [label, build] of found) {
      const cuda = cudaOfLabel(label);
      if (cuda === null || build.s === undefined) continue;
      rows.push({
        platform, release, label, cuda, cudaMajor: Number.parseInt(cuda, 10),
        archs: [...(table.lists[build.s] ?? []).map((a) => `sm_${a}`), ...(build.p ?? []).map((a) => `compute_${a}`)],
        isDefault: build.d === true && platform !== 'windows_x86_64', minPatch: build.min_patch ?? null, confidence: build.c,
        place: wheelPlace(table, `${platform} ${release} ${label}`),
      });
    }
  }
  return rows.sort((a, b) => compareVersions(a.release, b.release) || compareVersions(a.cuda, b.cuda));
}

/** How a list of architectures serves a capability: as it stands, by compiling its PTX, or not at all. */
export function servedBy(archs: readonly string[], capability: string | null): 'native' | 'jit' | null {
  const gpu = capability === null ? null : parseCapability(capability);
  if (gpu === null) return null;
  const parsed = archs.map(parseArchitecture).filter((a) => a !== null);
  if (parsed.some((a) => runsNatively(a, gpu))) return 'native';
  return parsed.some((a) => compilesFor(a, gpu)) ? 'jit' : null;
}

const served = new WeakMap<WheelRow, Map<string | null, 'native' | 'jit' | null>>();
/** The same for a row of the table, which is asked for the same GPUs over and over. */
export function wheelServes(row: WheelRow, capability: string | null): 'native' | 'jit' | null {
  const known = served.get(row) ?? new Map<string | null, 'native' | 'jit' | null>();
  const before = known.get(capability);
  if (before !== undefined) return before;
  const answer = servedBy(row.archs, capability);
  served.set(row, known.set(capability, answer));
  return answer;
}

/** What a plain installation of a release gets: its default build; null where that is a CPU build or not known. */
export function defaultWheel(table: WheelTable, platform: Platform, release: string): WheelRow | null {
  return listWheels(table, platform).find((w) => w.release === release && w.isDefault) ?? null;
}

/** The version to name: exact where the table knows the last patch of a label, else `2.14.x`. */
export function versionOfWheel(table: WheelTable, row: WheelRow): string {
  const ceiling = /^\d+\.\d+\.(\d+|x)/.exec(table.index_ceiling[row.label] ?? '')?.[0];
  return ceiling !== undefined && releaseOf(ceiling) === row.release ? `${ceiling}+${row.label}` : `${row.release}.x+${row.label}`;
}

/** Newer releases first; of one release the platform's default, then the newest CUDA. Rows that nobody verified are last. */
export const compareWheels = (a: WheelRow, b: WheelRow): number => Number(a.confidence === 'U') - Number(b.confidence === 'U') || compareVersions(b.release, a.release) || Number(b.isDefault) - Number(a.isDefault) || compareVersions(b.cuda, a.cuda);

const ranked = new WeakMap<readonly WheelRow[], Map<string | null, readonly WheelRow[]>>();
/** The best build whose kernels serve the target as they stand, of those that `allowed` lets pass. */
export function newestWheelFor(table: WheelTable, platform: Platform, target: Pick<GpuTarget, 'computeCapability'>, allowed: (row: WheelRow) => boolean = () => true): WheelRow | null {
  const rows = listWheels(table, platform), byGpu = ranked.get(rows) ?? new Map<string | null, readonly WheelRow[]>(), capability = target.computeCapability;
  const serving = byGpu.get(capability) ?? rows.filter((w) => wheelServes(w, capability) === 'native').sort(compareWheels);
  ranked.set(rows, byGpu.set(capability, serving));
  return serving.find(allowed) ?? null;
}
