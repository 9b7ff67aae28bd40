import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ProblemError } from '../../../contract/problem.ts';
import { compareVersions } from '../verdict/architecture-rules.ts';
import { decideConflicts, platformWords } from './decide-conflicts.ts';
import { decideNearest, type TargetInput } from './decide-targets.ts';
import { lineOf, listBuilds, pythonFits, pythonWords, type Build } from './list-builds.ts';
import { driverRuns, leftBehind, minDriverFor, serves } from './serve-rules.ts';

export interface WishInput extends TargetInput {
  /** torch that is installed, with or without label. */
  readonly present: string | null;
  /** PyTorch's index answers; false: only builds of the plain index can be had. */
  readonly indexReachable?: boolean | null;
}

const list = (words: readonly string[]): string => [...new Set(words)].join(', ');
const names = (input: WishInput): string => list(input.targets.map((g) => (g.computeCapability === null ? g.name : `${g.name} (${g.computeCapability})`)));
const pythonName = (input: WishInput): string => `Python ${input.python ?? ''}${input.freeThreaded === true ? ' (free-threaded)' : ''}`;

export interface Wish { readonly version: string | null; readonly label: string | null; readonly packageIndex: boolean }

/** `2.14.1+cu130`, `torch==2.14.1`, `2.14`, `cu130`, `+cu130`, `pypi`, `pypi:2.15.0`; null when it is none. */
export function parseWish(text: string): Wish | null {
  const match = /^(?:torch==)?(pypi:?)?v?(\d+\.\d+(?:\.\d+)?)?(?:\+?(cu\d{3}))?$/.exec(text.trim().toLowerCase());
  if (match === null || (match[1] === undefined && match[2] === undefined && match[3] === undefined)) return null;
  return { version: match[2] ?? null, label: match[3] ?? null, packageIndex: match[1] !== undefined };
}

/** A release line (`2.14`) stands for all its patches. */
export const matchesWish = (b: Build, w: Wish): boolean => (w.label === null || b.label === w.label) && (w.version === null || (w.version.split('.').length === 2 ? b.line === w.version : b.version === w.version));


/** There is no such build: which there are. */
function noSuchBuild(text: string, wish: Wish, packageIndex: boolean, input: WishInput): ProblemError {
  const system = platformWords(input.platform), all = listBuilds(input.platform, input.tables);
  const line = wish.version === null ? null : lineOf(wish.version);
  const ofLine = all.filter((b) => line === null || b.line === line);
  const say = (detail: string): ProblemError => problemError('upgrade.no_wheel', { detail });
  if (packageIndex && input.platform === 'windows_x86_64') return say('A plain package index has only CPU builds of torch for Windows; builds for CUDA are on PyTorch’s own index.');
  if (packageIndex) return say(`A plain package index has no CUDA build for ${system} that is ${text}. There are: ${list(ofLine.filter((b) => b.indexDefault).map((b) => `${b.version} (${b.label})`).slice(-6)) || 'none'}.`);
  if (ofLine.length === 0) return say(`No torch ${line ?? ''} with CUDA is known for ${system}; the newest is ${all[all.length - 1]?.version ?? 'unknown'}.`);
  const exact = ofLine.filter((b) => wish.version === null || wish.version === line || b.version === wish.version);
  if (exact.length === 0) return say(`There is no torch ${wish.version ?? ''} for ${system}; of ${line ?? ''} there are ${list(ofLine.map((b) => b.version))}.`);
  return say(`There is no torch ${text.replace(/^torch==/, '')} for ${system}. The labels of ${wish.version ?? 'torch'} are ${list(exact.map((b) => b.label))}.`);
}

/** Why a wish cannot be had. `named`: the builds that it means; `good`: those that serve all GPUs. */
export function explainWish(text: string, wish: Wish, named: readonly Build[], packageIndex: boolean, good: readonly Build[], input: WishInput): ProblemError {
  const { tables, targets, driver } = input;
  const first = named[0];
  if (first === undefined) return noSuchBuild(text, wish, packageIndex, input);
  const countServed = (b: Build): number => targets.filter((g) => serves(b, g)).length;
  const closest = named.reduce((a, b) => (countServed(b) > countServed(a) ? b : a), first);
  const what = `torch ${closest.version}+${closest.label}`;
  const lost = targets.filter((g) => !serves(closest, g));
  if (lost.length > 0 && lost.length < targets.length) return problemError('upgrade.kills_gpu', { target: what, gpus: list(lost.map((g) => `${g.name} (${g.computeCapability ?? 'capability unknown'})`)) });
  const remedy = remedyOf(good, input);
  if (lost.length > 0) return problemError('upgrade.no_route', { detail: `${what} has kernels for ${closest.row.archs.join(' ')}; none of them runs on ${names(input)}.`, remedy });
  const full = named.filter((b) => countServed(b) === targets.length);
  if (full.every((b) => pythonFits(b.release, input.python, input.freeThreaded) === 'no')) return problemError('upgrade.no_wheel', { detail: `${what} has wheels for ${pythonWords(closest.release)}; this is ${pythonName(input)}.` });
  if (leftBehind(targets, driver, tables).length === 0 && full.every((b) => driverRuns(b.label, targets, driver, tables) === false)) return problemError('upgrade.no_route', { detail: `${what} needs driver ${minDriverFor(closest.label, targets, driver, tables) ?? ''} or newer; ${driver.version ?? ''} is installed.`, remedy: `Update the driver. ${remedy}` });
  return explainNoBuild(input);
}

function remedyOf(good: readonly Build[], input: WishInput): string {
  const best = good[0], nearest = decideNearest(good, input.present);
  if (best === undefined) return 'No build serves all GPUs as things are: see the advice for this environment.';
  const a = `${best.version}+${best.label}`, b = nearest === null ? a : `${nearest.version}+${nearest.label}`;
  return a === b ? `torch ${a} serves all GPUs.` : `torch ${a} serves all GPUs, and so does ${b}.`;
}

/** No build serves all GPUs with this driver and Python: why. */
export function explainNoBuild(input: WishInput): ProblemError {
  const { targets, driver, tables, platform } = input;
  const noRoute = (detail: string, remedy: string): ProblemError => problemError('upgrade.no_route', { detail, remedy });
  if (targets.length === 0) return noRoute('There is no GPU to choose a build for.', 'Name one with --for.');
  const conflicts = decideConflicts({ targets, driver, platform, tables });
  if (conflicts.length > 0) return noRoute(conflicts.join(' '), targets.length > 1 ? 'Use an environment for each kind of GPU; the advice names the ways.' : 'The advice for this environment names what is left.');
  const serving = listBuilds(platform, tables).filter((b) => targets.every((g) => serves(b, g)));
  const started = serving.filter((b) => driverRuns(b.label, targets, driver, tables) !== false);
  if (started.length === 0) {
    const least = serving.map((b) => minDriverFor(b.label, targets, driver, tables)).filter((v) => v !== null).sort(compareVersions)[0] ?? '';
    return noRoute(`Every build for ${names(input)} needs driver ${least} or newer; ${driver.version ?? 'none'} is installed.`, 'Update the driver first.');
  }
  if (started.some((b) => pythonFits(b.release, input.python, input.freeThreaded) === 'yes')) return noRoute(`PyTorch’s index does not answer, and a plain package index has no build for ${names(input)}.`, 'Check the network, or set a mirror of PyTorch’s index.');
  const last = started[started.length - 1];
  return problemError('upgrade.no_wheel', { detail: `No build that serves ${names(input)} has wheels for ${pythonName(input)}; torch ${last?.version ?? ''} has them for ${last === undefined ? 'others' : pythonWords(last.release)}.` });
}
