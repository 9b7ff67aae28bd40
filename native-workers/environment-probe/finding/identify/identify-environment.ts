import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import type { FoundEnvironment } from '../../../../contract/environments.ts';
import { makeProblem } from '../../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../../contract/problem.ts';
import type { Candidate } from '../candidate.ts';
import { defaultInterpreter } from '../interpreter-candidate.ts';
import { isWithin } from '../is-within.ts';
import type { SearchContext } from '../search-context.ts';
import { decideKind, decideTool, type KindEvidence } from './decide-kind.ts';
import { decideName } from './decide-name.ts';
import { decidePlace } from './decide-place.ts';
import { decideVersion, type DecidedVersion } from './decide-version.ts';
import { keepFolders } from './package-folders.ts';
import { decideHashedProject, readProjectAround, readProjectFile } from './project-of-environment.ts';
import { readBase, type BaseFacts } from './read-base.ts';
import { readCondaMarks, type CondaMarks } from './read-conda-marks.ts';
import { readConfig, type ConfigFacts } from './read-config.ts';
import { readHeaderVersion } from './read-header-version.ts';
import { readInstaller } from './read-installers.ts';
import { readInterpreter, type InterpreterFacts } from './read-interpreter.ts';
import { readLibraries, type LibraryFolder } from './read-libraries.ts';
import { readPackageFolders } from './read-package-folders.ts';

const WINDOWS_NAME = /^python(\d{2,3})(?:\._pth|\.dll|\.zip)$/;

/**
 * The id of the contract: of the folder's own real path, so that it is the same whichever way led there.
 * `variant`: one of several Pythons in the same prefix.
 */
function environmentId(realPrefix: string, variant: string | null): string {
  return createHash('sha256').update(variant === null ? realPrefix : `${realPrefix}\0${variant}`).digest('hex').slice(0, 12);
}

/** All that files tell of a candidate; null when it is no Python environment. */
export async function identifyEnvironment(context: SearchContext, candidate: Candidate, foundBy: readonly string[], projectsByHash: ReadonlyMap<string, string>): Promise<FoundEnvironment | null> {
  const { prefix } = candidate;
  const listing = await context.list(prefix);
  if (listing === null) return candidate.kind === 'store' ? identifyStore(context, candidate, foundBy) : null;
  const names = new Set(listing.entries.map((entry) => entry.name));
  const config = names.has('pyvenv.cfg') || listing.cut ? await readConfig(context, prefix) : null;
  const conda = names.has('conda-meta') ? await readCondaMarks(context, prefix) : null;
  const interpreterPath = candidate.interpreter ?? (await defaultInterpreter(context, prefix));
  const libraries = await readLibraries(context, prefix);
  const windowsDigits = [...names].map((name) => WINDOWS_NAME.exec(name)?.[1]).find((digits) => digits !== undefined && digits.length > 1) ?? null;
  // virtualenv before 20 and Python 2 wrote no pyvenv.cfg.
  const oldVirtual = config === null && conda === null && names.has('bin') && (await context.exists(join(prefix, 'bin', 'activate_this.py')));
  const virtual = config !== null || oldVirtual;
  const installed = libraries.some((library) => library.standard) || (windowsDigits !== null && names.has('python.exe')) || (await context.exists(join(prefix, 'Lib', 'os.py'))) || (await context.exists(join(prefix, 'lib-python')));
  if (!virtual && conda === null && !(installed && interpreterPath !== null)) return null;
  // A conda environment for other things than Python.
  if (!virtual && conda !== null && conda.pythonVersion === null && interpreterPath === null) return null;

  const problems: Problem[] = [...(config?.problem == null ? [] : [config.problem])];
  const windows = interpreterPath?.toLowerCase().endsWith('.exe') ?? (names.has('Scripts') || windowsDigits !== null);
  const interpreter = interpreterPath === null ? null : await readInterpreter(context, interpreterPath);
  const missing = join(prefix, ...(windows ? (virtual ? ['Scripts', 'python.exe'] : ['python.exe']) : ['bin', 'python']));
  if (interpreter === null) problems.push(makeProblem('env.interpreter_broken', { path: missing, detail: 'it is not there.' }));
  else if (interpreter.problem !== null) problems.push(interpreter.problem);

  const base = virtual ? await readBase(context, prefix, config?.config ?? null, interpreter, windows) : null;
  if (base?.problem != null && interpreter?.problem == null) problems.push(base.problem);
  const version = await readVersion(context, { candidate, config, conda, interpreter, base, libraries, windowsDigits, virtual });
  const folders = await readPackageFolders(context, {
    prefix, version, windows, libraries, base, virtual, names, oldVirtual,
    includesSystem: config?.config?.includesSystem ?? false, given: candidate.packageFolders ?? [],
  });
  if (folders.own.length === 0) problems.push(makeProblem('env.packages_missing', { prefix, python: version.minor }));

  const standard = libraries.find((library) => library.minor === version.libraryName && library.standard)?.path ?? null;
  const externallyManaged = !virtual && ((standard !== null && (await context.exists(join(standard, 'EXTERNALLY-MANAGED')))) || (await context.exists(join(prefix, 'Lib', 'EXTERNALLY-MANAGED'))));
  const projectFile = virtual ? await readProjectFile(context, prefix) : null;
  const ownMark = names.has('uv-receipt.toml') || names.has('pipx_metadata.json') || config?.config?.madeBy === 'uv';
  const evidence: KindEvidence = {
    hint: candidate.kind ?? null, conda, config: config?.config ?? null, virtual, names, projectFile, prefix, externallyManaged,
    installer: virtual && !ownMark && folders.own[0] !== undefined ? await readInstaller(context, folders.own[0]) : null,
    projectHasPipfile: projectFile !== null && (await context.exists(join(projectFile, 'Pipfile'))),
    systemPlace: isSystemPlace(context, prefix),
    portable: [...names].some((name) => /^python\d+\._pth$/.test(name)) || (candidate.kind === undefined && !isSystemPlace(context, prefix) && !virtual && conda === null && isWithin(prefix, context.places.home) && !prefix.includes('/.')),
  };
  const kind = decideKind(evidence);
  const tool = decideTool(kind, evidence);
  const projectFolder = conda?.projectFolder ?? projectFile ?? decideHashedProject(kind, prefix, projectsByHash) ?? candidate.projectFolder ?? (virtual || conda !== null ? await readProjectAround(context, prefix) : null);
  const basePrefix = virtual ? (base?.prefix ?? null) : prefix;
  return {
    id: environmentId((await context.realpath(prefix)) ?? prefix, candidate.variant ?? null),
    name: candidate.name ?? decideName({ prefix, kind, prompt: config?.config?.prompt ?? null, projectFolder, version: version.version, condaRoot: conda?.root ?? false, pypy: version.implementation === 'pypy' }),
    kind, tool, prefix, foundBy: [...foundBy],
    python: {
      path: interpreterPath, realPath: interpreter?.realPath ?? null,
      version: version.version, implementation: version.implementation, abi: version.abi, freeThreaded: version.freeThreaded,
    },
    basePrefix, projectFolder,
    packageFolders: [...folders.all],
    sharesBasePackages: virtual && (config?.config?.includesSystem ?? false),
    externallyManaged,
    ownerUid: context.places.platform === 'win32' ? null : ((await context.stat(prefix))?.uid ?? null),
    place: candidate.place ?? decidePlace(prefix, context.places.home, context.places.insideWsl),
    changedAtMs: await readChangedAt(context, folders.own),
    problems,
  };
}

interface VersionSources {
  readonly candidate: Candidate;
  readonly config: ConfigFacts | null;
  readonly conda: CondaMarks | null;
  readonly interpreter: InterpreterFacts | null;
  readonly base: BaseFacts | null;
  readonly libraries: readonly LibraryFolder[];
  readonly windowsDigits: string | null;
  readonly virtual: boolean;
}

async function readVersion(context: SearchContext, s: VersionSources): Promise<DecidedVersion> {
  const { candidate, interpreter } = s;
  const installation = s.virtual ? (s.base?.prefix ?? null) : candidate.prefix;
  // The name of a target that is gone tells less than what is still here.
  const gone = interpreter?.realPath == null && (s.libraries.length > 0 || s.config?.config?.version != null);
  const chain = gone ? [] : (interpreter?.chain ?? []);
  const evidence = {
    chain, configVersion: s.config?.config?.version ?? null, condaVersion: s.conda?.pythonVersion ?? null, headerVersion: null, pypyVersion: null,
    // An installation may hold folders of other versions (/usr/local/lib); only one with its library can be this Python.
    libraryMinors: (s.libraries.some((one) => one.standard) ? s.libraries.filter((one) => one.standard) : s.libraries).map((one) => one.minor),
    pypyLibrary: s.libraries.some((one) => one.implementation === 'pypy'),
    folderName: basename(installation ?? (chain.length > 1 ? dirname(dirname(chain.at(-1) ?? '')) : '')),
    windowsDigits: s.windowsDigits,
  };
  const first = decideVersion(evidence);
  if (installation === null || first.minor === null) return first;
  const header = await readHeaderVersion(context, installation, first.libraryName ?? first.minor, first.implementation === 'pypy');
  return decideVersion({ ...evidence, headerVersion: header.version, pypyVersion: header.pypyVersion });
}

/** An alias of the Store: its folder cannot be listed, what it installs is elsewhere. */
async function identifyStore(context: SearchContext, candidate: Candidate, foundBy: readonly string[]): Promise<FoundEnvironment | null> {
  const path = candidate.interpreter ?? null;
  if (path === null || !(await context.exists(path))) return null;
  const version = decideVersion({ chain: [], configVersion: candidate.variant ?? null, condaVersion: null, headerVersion: null, pypyVersion: null, libraryMinors: [], pypyLibrary: false, folderName: '', windowsDigits: null });
  const packageFolders = await keepFolders(context, candidate.packageFolders ?? []);
  return {
    id: environmentId(candidate.prefix, null), name: candidate.name ?? basename(candidate.prefix), kind: 'store', tool: 'pip', prefix: candidate.prefix, foundBy: [...foundBy],
    python: { path, realPath: path, version: version.version, implementation: 'cpython', abi: version.abi, freeThreaded: false },
    basePrefix: candidate.prefix, projectFolder: null, packageFolders: [...packageFolders], sharesBasePackages: false, externallyManaged: false,
    ownerUid: null, place: null, changedAtMs: await readChangedAt(context, packageFolders), problems: [],
  };
}

async function readChangedAt(context: SearchContext, folders: readonly string[]): Promise<number | null> {
  const times = (await Promise.all(folders.map((folder) => context.stat(folder)))).flatMap((facts) => (facts === null ? [] : [facts.mtimeMs]));
  return times.length === 0 ? null : Math.round(Math.max(...times));
}

function isSystemPlace(context: SearchContext, prefix: string): boolean {
  const places = ['/usr', '/usr/local', '/', '/opt/local', '/run/current-system/sw'].map((path) => context.places.at(path).replace(/(.)\/$/, '$1'));
  return places.includes(prefix) || /\/(?:homebrew|linuxbrew\/\.linuxbrew)\/|\/Python3?\.framework\/Versions\/|^\/nix\/store\//.test(`${prefix}/`);
}
