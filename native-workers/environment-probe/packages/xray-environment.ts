import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { XrayRequest } from '../../../contract/environment-probe.ts';
import type { EnvironmentXray, FoundEnvironment, TorchFacts } from '../../../contract/environments.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { CensusCache } from '../library/census-cache.ts';
import { createBoundedReader, type BoundedReader } from './bounded-reader.ts';
import { checkRecord } from './check-record.ts';
import { findCompanionKind } from './companion-table.ts';
import { decideLeftovers, readLibraryMajor } from './decide-leftovers.ts';
import { decideTorchLayout, isTorchRemains, type TorchSurvey } from './decide-torch-layout.ts';
import { decideDuplicateProblems, decideGoneProblem, decideLeftoverProblems, decideMetadataProblems, decideRecordProblems, decideShadowProblems } from './decide-xray-problems.ts';
import { findModule, isThere, readTorchPlace } from './find-modules.ts';
import { createPacer } from './pacer.ts';
import { decideProjectFolder, readPins } from './pins/read-pins.ts';
import { readCompanions } from './read-companions.ts';
import { readCondaPackages, type CondaPackage } from './read-conda-packages.ts';
import { readDistributions, type Distribution, type Trouble } from './read-distributions.ts';
import { readPathFiles } from './read-path-files.ts';
import { readRealPath } from './read-real-path.ts';
import { readTorchFacts } from './read-torch-facts.ts';

/** Folders of sys.path that are looked into, those of `.pth` files counted. */
const MAX_FOLDERS = 300;
/** Modules that a file of the project's folder hides from whoever starts a program there. */
const WATCHED_MODULES = ['torch', 'torchvision', 'torchaudio', 'triton', 'numpy'];

/**
 * All that the files of an environment tell: nothing of it is run or imported, its `.pth` files are read as text.
 * Whatever is found there, there is an answer; what is wrong is in its `problems`. `options.cache`: libraries that
 * several environments share are read once.
 */
export async function xrayEnvironment(request: XrayRequest, options: { readonly cache?: CensusCache } = {}): Promise<EnvironmentXray> {
  const begun = performance.now();
  const atMs = Date.now();
  const { environment } = request;
  const reader = createBoundedReader();
  const pause = createPacer();
  const survey = await surveyPackages(reader, environment, pause);
  const layout = decideTorchLayout(survey.torch);
  const troubles: Trouble[] = [...survey.troubles, ...layout.troubles];

  const torch = await readTorch(reader, layout, options.cache);
  troubles.push(...torch.troubles);
  const companions = await readCompanions(reader, survey.visible, environment.prefix, options.cache, pause);
  const leftovers = torch.facts === null ? [] : findLeftovers(reader, survey.visible, torch.facts);
  const record = request.record ? await checkRecord(reader, { distributions: survey.distributions, conda: survey.conda, prefix: environment.prefix, externallyManaged: environment.externallyManaged }, pause) : null;
  troubles.push(...(record?.troubles ?? []));
  const pins = request.pins ? readPins(reader, { projectFolder: environment.projectFolder, prefix: environment.prefix, distributions: survey.visible }) : [];

  const hiding = [...layout.shadows, ...findProjectShadows(reader, environment, survey)];
  const problems: Problem[] = [
    ...(survey.anyFolder || environment.problems.some((known) => known.code === 'env.packages_missing') ? [] : [makeProblem('env.packages_missing', { prefix: environment.prefix, python: environment.python.version ?? 'its version' })]),
    ...decideDuplicateProblems(layout.used?.path ?? null, layout.duplicates),
    ...decideGoneProblem(layout.gone, record),
    ...(record === null ? [] : decideRecordProblems(record, new Set(leftovers.map((one) => one.name)))),
    ...decideLeftoverProblems(leftovers),
    ...decideShadowProblems(hiding),
    ...decideMetadataProblems(troubles, environment.prefix),
  ];
  return {
    environmentId: environment.id,
    atMs,
    tookMs: performance.now() - begun,
    bytesRead: reader.bytesRead() + torch.bytesRead + companions.bytesRead,
    torch: torch.facts,
    otherTorch: layout.otherTorch,
    companions: [...companions.companions],
    packages: survey.packages,
    leftovers,
    record: record?.check ?? null,
    pins,
    shadows: [...hiding, ...findHiddenCompanions(environment, survey.distributions)],
    problems,
  };
}

interface PackageSurvey {
  /** Folders of sys.path that are there, those of `.pth` files last. */
  readonly folders: readonly string[];
  readonly anyFolder: boolean;
  readonly distributions: readonly Distribution[];
  /** The first of each name: those that Python finds. */
  readonly visible: readonly Distribution[];
  readonly conda: readonly CondaPackage[];
  readonly packages: EnvironmentXray['packages'];
  readonly torch: TorchSurvey;
  readonly troubles: readonly Trouble[];
}

async function surveyPackages(reader: BoundedReader, environment: FoundEnvironment, pause: () => Promise<void> | undefined): Promise<PackageSurvey> {
  const troubles: Trouble[] = [];
  const distributions: Distribution[] = [];
  const remains: TorchSurvey['remains'][number][] = [];
  const added: string[] = [];
  const folders: string[] = [];
  const seen = new Set<string>();
  let anyFolder = false;

  const visit = async (folder: string, isSite: boolean): Promise<void> => {
    // `lib64` of a venv is a link to `lib`: the same folder is one folder.
    const real = readRealPath(folder) ?? folder;
    if (seen.has(real) || folders.length >= MAX_FOLDERS) return;
    seen.add(real);
    const scan = await readDistributions(reader, folder, pause);
    if (scan.absent) return;
    anyFolder ||= isSite;
    folders.push(folder);
    distributions.push(...scan.distributions);
    troubles.push(...scan.troubles);
    for (const entry of scan.remains) if (isTorchRemains(entry)) remains.push({ folder, entry, path: join(folder, entry) });
    if (!isSite) return;
    const pth = readPathFiles(reader, folder);
    added.push(...pth.folders);
    troubles.push(...pth.troubles);
  };
  for (const folder of environment.packageFolders) await visit(folder, true);
  for (const folder of added) await visit(folder, false);

  const conda = readCondaPackages(reader, environment.prefix);
  troubles.push(...conda.troubles);
  const records = distributions.filter((one) => one.name === 'torch').map((distribution) => ({ distribution, editableFolder: readEditableFolder(reader, distribution) }));
  const searched = [...folders, ...records.flatMap(({ editableFolder: folder }) => (folder === null || folders.includes(folder) ? [] : [folder]))];
  const places = findModule(searched, 'torch').map((place) => ({ place, torch: readTorchPlace(reader, place) }));
  const visible = [...new Map(distributions.toReversed().map((one) => [one.name, one])).values()].sort((a, b) => compare(a.name, b.name));
  const names = new Set(visible.map((one) => one.name));
  const packages = [...visible, ...conda.packages.filter((one) => !names.has(one.name))].map(({ name, version }) => ({ name, version })).sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
  const condaTorch = conda.packages.find((one) => one.name === 'pytorch') ?? conda.packages.find((one) => one.name === 'libtorch') ?? null;
  return { folders, anyFolder, distributions, visible, conda: conda.packages, packages, torch: { environment, places, records, conda: condaTorch, remains }, troubles };
}

/** An editable install of PyTorch's sources, whose `.pth` is code that is not run: direct_url.json says where they are. */
function readEditableFolder(reader: BoundedReader, distribution: Distribution): string | null {
  if (distribution.kind !== 'dist-info') return null;
  const text = reader.readText(join(distribution.path, 'direct_url.json'), 16_384);
  if (text === null || !/"editable"\s*:\s*true/.test(text)) return null;
  const url = /"url"\s*:\s*"(file:\/\/[^"]{1,4000})"/.exec(text)?.[1];
  try {
    return url === undefined ? null : fileURLToPath(url);
  } catch {
    return null;
  }
}

async function readTorch(reader: BoundedReader, layout: ReturnType<typeof decideTorchLayout>, cache: CensusCache | undefined): Promise<{ facts: TorchFacts | null; bytesRead: number; troubles: Trouble[] }> {
  const path = layout.used?.path ?? (layout.gone === null ? null : join(layout.gone.folder, 'torch'));
  if (path === null) return { facts: null, bytesRead: 0, troubles: [] };
  const read = await readTorchFacts(reader, { path, versionFile: layout.used?.versionFile ?? null, distribution: layout.distribution, conda: layout.conda }, cache);
  return { facts: read.facts, bytesRead: read.bytesRead, troubles: read.troubles.map((detail) => ({ path, detail: detail.replace(/\.$/, '') })) };
}

function findLeftovers(reader: BoundedReader, visible: readonly Distribution[], torch: TorchFacts): EnvironmentXray['leftovers'] {
  const torchMajor = torch.cuda === null ? null : Number(/^\d+/.exec(torch.cuda)?.[0] ?? 0) || null;
  // Of a torch that does not say what it was built for nothing can be called left over.
  if (torchMajor === null && torch.build !== 'cpu' && torch.build !== 'rocm' && torch.build !== 'xpu') return [];
  const libraries = visible.flatMap((one) => {
    const cudaMajor = readLibraryMajor(reader, one);
    return cudaMajor === null ? [] : [{ name: one.name, version: one.version, cudaMajor }];
  });
  return decideLeftovers(torchMajor, visible, libraries);
}

/** Files of the project that hide a package from programs that are started in its folder. */
function findProjectShadows(reader: BoundedReader, environment: FoundEnvironment, survey: PackageSurvey): EnvironmentXray['shadows'] {
  const project = environment.projectFolder ?? decideProjectFolder(environment.prefix);
  if (project === null || survey.folders.includes(project)) return [];
  return WATCHED_MODULES.flatMap((module) => {
    if (!survey.folders.some((folder) => isThere(join(folder, module), 'folder'))) return [];
    const place = findModule([project], module).find((found) => found.form !== 'bare');
    // The sources of PyTorch itself: whoever works in them knows.
    if (place === undefined || (module === 'torch' && readTorchPlace(reader, place) !== null)) return [];
    return [{ module, path: place.path, why: `Programs that are started in ${project} find it first.` }];
  });
}

/** The same package twice, in different versions: Python takes the first. What a base Python has besides is no matter. */
function findHiddenCompanions(environment: FoundEnvironment, distributions: readonly Distribution[]): EnvironmentXray['shadows'] {
  return distributions.flatMap((hidden, index) => {
    if (hidden.name === 'torch' || findCompanionKind(hidden.name) === null) return [];
    const first = distributions.find((one) => one.name === hidden.name);
    if (first === undefined || distributions.indexOf(first) === index || first.version === hidden.version) return [];
    if (environment.sharesBasePackages && first.folder !== hidden.folder && environment.packageFolders.indexOf(first.folder) === 0) return [];
    return [{ module: hidden.name, path: first.path, why: `Version ${first.version} is found before ${hidden.version} in ${hidden.folder}.` }];
  });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
