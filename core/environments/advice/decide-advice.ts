import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { EnvironmentXray } from '../../../contract/environments.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Advice, Route, TorchTarget } from '../../../contract/upgrades.ts';
import { isFinding, type Evidence } from '../../../contract/verdict.ts';
import { normalName } from '../tables/companion-table.ts';
import { wheelTableDate } from '../tables/list-wheels.ts';
import { compareVersions } from '../verdict/architecture-rules.ts';
import { CONDA_FORGE } from './conda-routes.ts';
import { decideConflicts } from './decide-conflicts.ts';
import { damagedPackages } from './decide-install-steps.ts';
import { decideBuilds } from './decide-targets.ts';
import { decideWrongAdvice } from './decide-wrong-advice.ts';
import { explainNoBuild, type WishInput } from './explain-wish.ts';
import { meets } from './in-place-routes.ts';
import { listBuilds, type Build } from './list-builds.ts';
import { isDamaged, listRoutes, wishInputOf, type AdviceInput, type InPlace } from './list-routes.ts';
import { serves, servesAll } from './serve-rules.ts';

/**
 * Every route that applies, for all GPUs together; at most one recommended: the first that Warpdeck can carry out as
 * things are, else the one to do by hand first. Where nothing is wrong the routes are there, none recommended. Pure.
 */
export function decideAdvice(input: AdviceInput): Advice {
  const { found, targets, driver, tables } = input;
  const platform = driver.platform;
  const wish = wishInputOf(input);
  const inPlacePossible = found === null || found.python.implementation !== 'pypy';
  const builds = inPlacePossible ? decideBuilds(wish) : [];
  const nothingToDo = whyNothing(input);
  const { routes, inPlace } = listRoutes(input, wish, builds);
  const chosen = nothingToDo === null ? chooseRoute(routes, inPlace, input, builds) : null;
  const ordered = [...routes].sort((a, b) => Number(b.id === chosen?.id) - Number(a.id === chosen?.id)).map((r) => ({ ...r, recommended: r.id === chosen?.id }));
  return {
    environmentId: found?.id ?? null, targets: [...targets], driver, nothingToDo, routes: ordered,
    wrong: decideWrongAdvice({ targets, driver, platform, tables, torchIndexUrl: input.torchIndexUrl }),
    conflicts: decideConflicts({ targets, driver, platform, tables }),
    evidence: evidenceOf(input, chosen?.target ?? null),
    problems: problemsOf(input, wish, builds),
  };
}

/** Every cell is fine and no file is damaged: the sentence for it. */
function whyNothing(input: AdviceInput): string | null {
  const { xray, cells, targets } = input;
  if (targets.length === 0) return 'There is no GPU to give advice for. Name one with --for.';
  if (input.found === null || cells.length === 0) return null;
  if (cells.every((c) => c.verdict === 'no_torch')) return 'There is no PyTorch in this environment.';
  if (cells.some((c) => isFinding(c.verdict)) || (xray !== null && isDamaged(xray))) return null;
  const version = xray?.torch?.version ?? '';
  return cells.some((c) => c.verdict === 'jit') ? `torch ${version} runs on every GPU; its code is compiled at the first start for ${cells.filter((c) => c.verdict === 'jit').length} of them.` : `torch ${version} has kernels for every GPU, and the driver starts it.`;
}

/** The recommended one: what Warpdeck can carry out as things are, else what to do by hand first. Null: nothing does. */
function chooseRoute(routes: readonly Route[], inPlace: InPlace, input: AdviceInput, builds: readonly Build[]): Route | null {
  const { cells, xray } = input;
  const findings = cells.filter((c) => isFinding(c.verdict));
  if (findings.length > 0 && findings.every((c) => c.verdict === 'driver_mismatch')) return routes.find((r) => r.kind === 'driver') ?? null;
  const damaged = xray !== null && isDamaged(xray) && damagedPackages(xray).length > 0;
  // Damage alone: the versions are right, the files are not.
  const buildIsRight = xray?.torch?.build === 'cuda' && builds.some((b) => xray.torch?.version === `${b.version}+${b.label}`);
  const again = routes.find((r) => r.kind === 'reinstall' && r.automatic);
  if (damaged && buildIsRight && again !== undefined) return again;
  // Only libraries beside torch lack a GPU: another torch is no answer to that.
  const companions = routes.find((r) => r.id === 'companions');
  if (!damaged && companions !== undefined && findings.every((c) => c.verdict === 'library_gap')) return companions;
  const { newest, nearest } = inPlace;
  const order = nearest !== null && newest !== null && pinsPrefer(nearest, newest, xray) ? [nearest, newest] : [newest, nearest];
  const automatic = [...order, ...inPlace.plain, ...routes.filter((r) => r.kind !== 'reinstall'), ...routes].find((r) => r?.automatic === true);
  if (automatic) return automatic;
  const kinds: readonly Route['kind'][] = builds.length === 0 ? ['driver', 'conda', 'pixi', 'new_environment', 'container', 'nightly'] : ['conda', 'pixi', 'poetry', 'uv_project', 'pip', 'uv_pip', 'new_environment', 'container', 'driver'];
  return kinds.flatMap((kind) => routes.find((r) => r.kind === kind && r.needs.every((n) => n.met !== false)) ?? [])[0] ?? null;
}

/** The project asks for a version that the nearest build meets and the newest does not. */
function pinsPrefer(near: Route, best: Route, xray: EnvironmentXray | null): boolean {
  const pins = (xray?.pins ?? []).filter((p) => normalName(p.package) === 'torch').map((p) => p.specifier);
  const met = (r: Route): number => pins.filter((p) => r.target !== null && meets(r.target, p)).length;
  return pins.length > 0 && met(near) > met(best);
}

function evidenceOf(input: AdviceInput, target: TorchTarget | null): Evidence[] {
  const { driver, tables, xray, targets } = input;
  const asOf = wheelTableDate(tables.wheels);
  const evidence: Evidence[] = [];
  const present = xray?.torch;
  if (present) evidence.push({ what: `kernels in torch ${present.version ?? ''}`, value: (present.flags ?? present.census ?? []).join(' ') || 'none', place: present.flagsFile ?? present.path, supports: true });
  if (target !== null) {
    evidence.push({ what: `kernels in torch ${target.version}`, value: target.archs.join(' '), place: target.indexUrl === CONDA_FORGE ? `routes.json, ${tables.routes._about.asOf}` : `pytorch-wheels.json, ${asOf}`, supports: true });
    if (target.minDriver !== null) evidence.push({ what: `driver that ${target.label} needs`, value: `${target.minDriver}; ${driver.version ?? 'none'} is installed`, place: `pytorch-wheels.json, ${asOf}`, supports: true });
  }
  for (const pin of (xray?.pins ?? []).filter((p) => normalName(p.package) === 'torch').slice(0, 20)) {
    evidence.push({ what: 'pin of torch', value: pin.specifier, place: `${pin.file}${pin.line === null ? '' : `:${pin.line}`}`, supports: target !== null && target.indexUrl !== CONDA_FORGE && meets(target, pin.specifier) });
  }
  if (evidence.length === 0 && targets.length > 0) evidence.push({ what: 'official builds', value: `${listBuilds(driver.platform, tables).filter((b) => servesAll(b, targets)).length} serve all GPUs`, place: `pytorch-wheels.json, ${asOf}`, supports: true });
  return evidence;
}

function problemsOf(input: AdviceInput, wish: WishInput, builds: readonly Build[]): Problem[] {
  const { found, xray, targets, driver, tables } = input;
  if (targets.length === 0) return [];
  const problems: Problem[] = [];
  if (found?.python.implementation === 'pypy') problems.push(makeProblem('upgrade.no_wheel', { detail: 'There is no PyTorch for PyPy.' }));
  else if (builds.length === 0) problems.push(explainNoBuild(wish).problem);
  // The honest sentence about each exact pin that no build of that version can meet.
  for (const version of new Set((xray?.pins ?? []).filter((p) => normalName(p.package) === 'torch').flatMap((p) => /^\s*={2,3}\s*([0-9][0-9.]*[0-9])(?:\+\S+)?\s*$/.exec(p.specifier)?.[1] ?? []))) {
    const of = listBuilds(driver.platform, tables).filter((b) => b.version === version);
    if (of.length === 0 || of.some((b) => servesAll(b, targets))) continue;
    const smallest = builds.filter((b) => b.row.confidence !== 'U' && compareVersions(b.version, version) > 0).sort((a, b) => compareVersions(a.version, b.version))[0];
    problems.push(makeProblem('upgrade.no_wheel', { detail: `The project asks for torch ${version}. No official build of ${version} runs on ${targets.filter((g) => !of.some((b) => serves(b, g))).map((g) => g.name).join(', ') || 'all these GPUs together'}${smallest === undefined ? '' : `; the smallest version that does is ${smallest.version}+${smallest.label}`}.` }));
  }
  if (found !== null && found.externallyManaged) problems.push(makeProblem('upgrade.externally_managed', { prefix: found.prefix, manager: 'the system’s package manager' }));
  return problems;
}

