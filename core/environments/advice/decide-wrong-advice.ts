import type { WrongAdvice } from '../../../contract/upgrades.ts';
import type { DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import { cudaOfLabel } from '../tables/list-wheels.ts';
import { compareVersions, parseArchitecture } from '../verdict/architecture-rules.ts';
import type { AdviceTables, WrongEntry } from './advice-tables.ts';
import { decideBuilds, TORCH_INDEX } from './decide-targets.ts';
import { listBuilds, type Build } from './list-builds.ts';
import type { Platform } from './quote-command.ts';
import { driverRuns, lastBranchOf, minDriverFor, minDriverOf, serves, versionOfDriver } from './serve-rules.ts';

export interface WrongAdviceInput {
  readonly targets: readonly GpuTarget[];
  readonly driver: DriverFacts;
  readonly platform: Platform;
  readonly tables: AdviceTables;
  readonly torchIndexUrl?: string;
}

type Words = Readonly<Record<string, string>>;
const fill = (text: string, words: Words): string => text.replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole);
const names = (gpus: readonly GpuTarget[]): string => [...new Set(gpus.map((g) => g.name))].join(', ');

/** Popular advice that does not work for these GPUs with this driver and system, each computed against the tables. */
export function decideWrongAdvice(input: WrongAdviceInput): WrongAdvice[] {
  if (input.targets.length === 0) return [];
  const index = (input.torchIndexUrl ?? TORCH_INDEX).replace(/\/+$/, '');
  const best = decideBuilds({ ...input, python: null })[0];
  return input.tables.wrong.entries.flatMap((entry): WrongAdvice[] => {
    if (entry.platforms !== undefined && !entry.platforms.includes(input.platform)) return [];
    const found = checkEntry(entry.check, input);
    if (found === null) return [];
    const words = { index, ...found };
    const instead = entry.instead === null ? null : entry.instead === 'target' ? (best === undefined ? null : `torch==${best.version}+${best.label}, from ${index}/${best.label}`) : fill(entry.instead.text, words);
    return [{ command: fill(entry.command, words), why: fill(entry.why, words), instead }];
  });
}

/** The words for the entry where it is wrong here; null where it is not, or where that cannot be told. */
function checkEntry(check: WrongEntry['check'], input: WrongAdviceInput): Words | null {
  const { targets, driver, platform, tables } = input;
  const known = targets.filter((g) => g.computeCapability !== null);
  const all = listBuilds(platform, tables);
  switch (check.kind) {
    case 'label': {
      const builds = all.filter((b) => b.label === check.label);
      const lost = known.filter((g) => builds.length > 0 && !builds.some((b) => serves(b, g)));
      return lost.length === 0 ? null : { gpus: names(lost), newest: `sm_${Math.max(...builds.flatMap((b) => b.row.archs.map((a) => { const code = parseArchitecture(a); return code?.kind === 'sass' ? code.number : 0; })))}` };
    }
    case 'default_build': {
      if (platform === 'windows_x86_64') return check.release === null ? {} : null;
      const build = check.release === null ? newestOf(all.filter((b) => b.indexDefault)) : (all.find((b) => b.version === check.release && b.indexDefault) ?? null);
      return build === null ? null : defaultIsWrong(build, known, input);
    }
    case 'driver_only': {
      const build = chosenByDriver(all, driver, tables);
      const lost = build === null ? [] : known.filter((g) => !serves(build, g));
      return build === null || lost.length === 0 ? null : { label: `${build.label} (torch ${build.version})`, gpus: names(lost) };
    }
    case 'gpu': {
      const meant = known.filter((g) => (check.from === null || compareVersions(g.computeCapability ?? '0', check.from) >= 0) && (check.below === null || compareVersions(g.computeCapability ?? '0', check.below) < 0));
      return meant.length === 0 ? null : { gpus: names(meant), cc: meant[0]?.computeCapability ?? '' };
    }
    case 'printed_cuda': {
      if (driver.cudaVersion === null) return null;
      const label = `cu${driver.cudaVersion.replace('.', '')}`;
      return !/^cu\d{3}$/.test(label) || all.some((b) => b.label === label) ? null : { label, cuda: driver.cudaVersion };
    }
    case 'newest_driver': {
      const last = lastBranchOf(known, tables);
      return last === null ? null : { branch: last, gpus: names(known.filter((g) => lastBranchOf([g], tables) === last)) };
    }
  }
}

const newestOf = (builds: readonly Build[]): Build | null => builds.reduce<Build | null>((best, b) => (best === null || b.at > best.at ? b : best), null);

function defaultIsWrong(build: Build, gpus: readonly GpuTarget[], { targets, driver, tables }: WrongAdviceInput): Words | null {
  const words = { default: `torch ${build.version} for CUDA ${cudaOfLabel(build.label) ?? ''}` };
  const lost = gpus.filter((g) => !serves(build, g));
  if (lost.length > 0) return { ...words, reason: `no kernels for ${names(lost)}`, gpus: names(lost) };
  if (driverRuns(build.label, targets, driver, tables) === false) return { ...words, reason: `it needs driver ${minDriverFor(build.label, targets, driver, tables) ?? ''} or newer, ${driver.version ?? ''} is installed`, gpus: names(gpus) };
  return null;
}

/**
 * What uv's `--torch-backend=auto` takes (its source, about 0.12.5): of the indexes whose minimum driver is met the
 * newest, there the newest release. Null: no driver is known, or none is met.
 */
export function chosenByDriver(builds: readonly Build[], driver: DriverFacts, tables: AdviceTables): Build | null {
  const version = versionOfDriver(driver);
  if (version === null) return null;
  const labels = [...new Set(builds.map((b) => b.label))].filter((l) => { const least = minDriverOf(l, driver, tables); return least !== null && compareVersions(version, least) >= 0; });
  const label = labels.sort((a, b) => compareVersions(cudaOfLabel(b) ?? '0', cudaOfLabel(a) ?? '0'))[0];
  return label === undefined ? null : newestOf(builds.filter((b) => b.label === label));
}
