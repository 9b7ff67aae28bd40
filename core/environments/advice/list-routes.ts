import type { EnvironmentXray, FoundEnvironment } from '../../../contract/environments.ts';
import type { Route } from '../../../contract/upgrades.ts';
import type { DriverFacts, GpuTarget, VerdictCell } from '../../../contract/verdict.ts';
import { normalName } from '../tables/companion-table.ts';
import { architectureNumber, parseArchitecture, parseCapability } from '../verdict/architecture-rules.ts';
import type { AdviceTables } from './advice-tables.ts';
import { condaCreateRoute, condaRoute, decideCondaBuild, pixiRoute } from './conda-routes.ts';
import { decideBuilds, decideNearest, indexTarget, packageIndexTarget } from './decide-targets.ts';
import type { WishInput } from './explain-wish.ts';
import { gapRoute, inPlaceRoute, reinstallRoute, toolForTorch, uvByHand, uvProjectRoute, whyNotInPlace, type PlaceContext } from './in-place-routes.ts';
import { listBuilds, type Build } from './list-builds.ts';
import { choosePython, containerRoute, driverRoute, newEnvironmentRoute, nightlyRoute, type RouteContext } from './other-routes.ts';
import { serves } from './serve-rules.ts';
import { pythonOf } from './tool-commands.ts';

export interface AdviceInput {
  /** Null: advice for the machine, without an environment. */
  readonly found: FoundEnvironment | null;
  readonly xray: EnvironmentXray | null;
  /** Verdicts of this environment for the targets, in their order. */
  readonly cells: readonly VerdictCell[];
  readonly targets: readonly GpuTarget[];
  readonly driver: DriverFacts;
  readonly tables: AdviceTables;
  readonly tools: { readonly docker: boolean; readonly uv: boolean; readonly conda: boolean };
  /** Base of PyTorch's wheel index. */
  readonly torchIndexUrl: string;
  /** It answers; null or absent: not tried. */
  readonly torchIndexReachable?: boolean | null;
  /** The project's folder holds a uv.lock; absent: judged by the pins that were read. */
  readonly uvLock?: boolean;
}

/** The question to the build rules for one environment. */
export function wishInputOf(input: AdviceInput): WishInput {
  const { found, xray } = input;
  return {
    targets: input.targets, driver: input.driver, python: found?.python.version ?? null, freeThreaded: found?.python.freeThreaded ?? false, platform: input.driver.platform, tables: input.tables, torchIndexUrl: input.torchIndexUrl,
    wantsTorchaudio: xray?.packages.some((p) => normalName(p.name) === 'torchaudio') ?? false, present: xray?.torch?.version ?? null, indexReachable: input.torchIndexReachable ?? null,
  };
}

export const placeOf = (input: AdviceInput, environment: FoundEnvironment): PlaceContext => ({
  targets: input.targets, driver: input.driver, platform: input.driver.platform, tables: input.tables, tools: input.tools, environment, xray: input.xray, indexReachable: input.torchIndexReachable ?? null, torchIndexUrl: input.torchIndexUrl,
  uvLock: input.uvLock ?? input.xray?.pins.some((p) => p.source === 'uv.lock') ?? false,
});

/** Files are missing or changed, or torch is there twice. */
export const isDamaged = (xray: EnvironmentXray): boolean => (xray.record !== null && (xray.record.missing > 0 || xray.record.changed > 0)) || xray.otherTorch.length > 0;

/** The routes by wheels into the environment itself. */
export interface InPlace {
  readonly newest: Route | null;
  readonly nearest: Route | null;
  /** From the plain index: the best first. */
  readonly plain: readonly Route[];
}

/** Every route that applies. `builds`: best first. */
export function listRoutes(input: AdviceInput, wish: WishInput, builds: readonly Build[]): { readonly routes: Route[]; readonly inPlace: InPlace } {
  const { found, xray, targets, driver, tables, tools } = input;
  const platform = driver.platform;
  const context: RouteContext = { targets, driver, platform, tables, tools };
  const routes: (Route | null)[] = [];
  const best = builds[0] ?? null, nearest = decideNearest(builds, wish.present);
  let inPlace: InPlace = { newest: null, nearest: null, plain: [] };
  if (found !== null && targets.length > 0) {
    const place = placeOf(input, found);
    if (xray !== null && isDamaged(xray)) routes.push(reinstallRoute(place));
    if (best !== null && nearest !== null) {
      const bestTarget = indexTarget(best, wish);
      const plainTargets = decidePlain(builds, wish).flatMap((b) => packageIndexTarget(b, wish) ?? []);
      inPlace = {
        newest: inPlaceRoute(bestTarget, 'The newest verified build that serves all GPUs with this driver.', place),
        nearest: sameBuild(best, nearest) ? null : inPlaceRoute(indexTarget(nearest, wish), nearestWords(nearest, wish.present), place),
        plain: plainTargets.flatMap((t) => inPlaceRoute(t, 'Needs no index but the one that the tool uses anyway; also through a mirror.', place) ?? []),
      };
      const plainProject = plainTargets[0] === undefined ? null : uvProjectRoute(plainTargets[0], PROJECT, place);
      routes.push(inPlace.newest, inPlace.nearest, ...inPlace.plain, uvByHand(bestTarget, place), uvProjectRoute(bestTarget, PROJECT, place), plainProject);
    }
    const gaps = [...new Set(input.cells.flatMap((c) => (c.verdict === 'library_gap' ? c.gaps : [])))];
    if (gaps.length > 0) routes.push(gapRoute(gaps, place));
    const conda = decideCondaBuild(context), tool = found.tool;
    if (conda !== null && whyNotInPlace(found) === null) {
      if (tool === 'conda' || tool === 'mamba' || tool === 'micromamba') routes.push(condaRoute(found, tool, conda, toolForTorch(found, xray) === 'pip', context));
      if (tool === 'pixi') routes.push(pixiRoute(found, conda, context));
    }
  }
  const free = decideBuilds({ ...wish, python: null, freeThreaded: false })[0] ?? null;
  // As near to the present Python as the newest build of all allows.
  const beside = best ?? free;
  if (beside !== null && targets.length > 0) routes.push(newEnvironmentRoute(found, indexTarget(beside, wish), choosePython(beside.release, found?.python.version ?? null), context));
  const conda = decideCondaBuild(context);
  if (conda !== null && (tools.conda || beside === null)) routes.push(condaCreateRoute(`${found?.prefix ?? 'torch'}-conda-cuda${conda.cuda}`, '3.12', conda, found?.tool === 'mamba' || found?.tool === 'micromamba' ? found.tool : 'conda', context));
  routes.push(containerRoute(context), driverRoute(context, builds.length > 0));
  if (onlyNightly(targets, wish)) routes.push(nightlyRoute(found, found === null ? (platform === 'windows_x86_64' ? 'py' : 'python3') : pythonOf(found, platform), context));
  const seen = new Set<string>();
  return { routes: routes.filter((r): r is Route => r !== null && !seen.has(r.id) && seen.add(r.id) !== undefined), inPlace };
}

const PROJECT = 'The project’s own files ask for it then, and "uv sync" keeps it.';
const sameBuild = (a: Build, b: Build): boolean => a.version === b.version && a.label === b.label;
const nearestWords = (b: Build, present: string | null): string => (present !== null && present.split('+')[0] === b.version ? `The same version with a label that has kernels for all GPUs: nothing else has to change.` : `The nearest to ${present ?? 'what is there'} that serves all GPUs.`);

/** Builds that a plain index gives: the best of them, and the one nearest to what is installed. */
function decidePlain(builds: readonly Build[], wish: WishInput): Build[] {
  const plain = builds.filter((b) => b.indexDefault);
  const newest = [...plain].sort((a, b) => builds.indexOf(a) - builds.indexOf(b))[0], near = decideNearest(plain, wish.present);
  return newest === undefined ? [] : near === null || sameBuild(newest, near) ? [newest] : [newest, near];
}

/** Every GPU that no release serves is newer than all releases: then, and only then, builds of the day (which keep PTX) may help. */
function onlyNightly(targets: readonly GpuTarget[], wish: WishInput): boolean {
  const builds = listBuilds(wish.platform, wish.tables), newest = Math.max(0, ...builds.flatMap((b) => b.row.archs.map((a) => parseArchitecture(a)?.number ?? 0)));
  const without = targets.filter((g) => !builds.some((b) => serves(b, g)));
  // 12.1 runs the code of 12.0: "newer" begins with the next major.
  return without.length > 0 && without.every((g) => { const c = g.computeCapability === null ? null : parseCapability(g.computeCapability); return c !== null && architectureNumber(c) >= (Math.floor(newest / 10) + 1) * 10; });
}

