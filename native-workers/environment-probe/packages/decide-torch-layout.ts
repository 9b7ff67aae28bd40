import type { EnvironmentXray } from '../../../contract/environments.ts';
import { isWithin } from './check-record.ts';
import { decideImported, type ModulePlace, type TorchPlace } from './find-modules.ts';
import type { CondaPackage } from './read-conda-packages.ts';
import type { Distribution, Trouble } from './read-distributions.ts';

export interface TorchSurvey {
  readonly environment: { readonly prefix: string; readonly basePrefix: string | null; readonly sharesBasePackages: boolean };
  /** All that `import torch` could find, in its order; `torch` is null for what only has the name. */
  readonly places: readonly { readonly place: ModulePlace; readonly torch: TorchPlace | null }[];
  /** Records named torch; `editableFolder`: where an editable install points. */
  readonly records: readonly { readonly distribution: Distribution; readonly editableFolder: string | null }[];
  readonly conda: CondaPackage | null;
  /** `~orch…`: package folder and entry. */
  readonly remains: readonly { readonly folder: string; readonly entry: string; readonly path: string }[];
}

export interface TorchLayout {
  /** What is imported, with the record that belongs to it. */
  readonly used: TorchPlace | null;
  readonly distribution: Distribution | null;
  readonly conda: CondaPackage | null;
  /** There is a record and no package: somebody deleted the folder. */
  readonly gone: Distribution | null;
  readonly otherTorch: EnvironmentXray['otherTorch'];
  readonly shadows: EnvironmentXray['shadows'];
  /** Of `otherTorch`, those that damage the one that is used, or may. */
  readonly duplicates: readonly { readonly path: string; readonly why: string }[];
  readonly troubles: readonly Trouble[];
}

/** Which torch is imported, which others there are, and what stands in its way. */
export function decideTorchLayout(survey: TorchSurvey): TorchLayout {
  const torches = survey.places.map(({ torch }) => torch).filter((torch) => torch !== null);
  const imported = decideImported(survey.places.map(({ place }) => place));
  const used = torches.find((torch) => torch.path === imported?.path) ?? decideImported(torches);
  const own = used === null ? [] : survey.records.filter((record) => record.distribution.folder === used.folder || record.editableFolder === used.folder).map((record) => record.distribution);
  const distribution = own.find((record) => publicVersion(record.version) === publicVersion(used?.versionFile?.version ?? '')) ?? own[0] ?? null;
  // pip writes over conda's package without telling conda.
  const overConda = survey.conda !== null && distribution !== null && distribution.installer !== null && distribution.installer !== 'conda';
  const conda = used !== null && isWithin(survey.environment.prefix, used.folder) && !overConda ? survey.conda : null;

  const otherTorch: EnvironmentXray['otherTorch'] = [];
  const duplicates: { path: string; why: string }[] = [];
  const troubles: Trouble[] = [];
  const add = (path: string, version: string | null, why: string, harms: boolean): void => {
    otherTorch.push({ path, version, why });
    if (harms) duplicates.push({ path, why });
  };

  for (const torch of torches) {
    if (torch === used || used === null) continue;
    const hidden = explainHidden(survey.environment, used, torch);
    add(torch.path, torch.versionFile?.version ?? null, hidden.why, hidden.harms);
  }
  for (const record of own) {
    if (record !== distribution) add(record.path, record.version, `Its record stands in the same folder as that of ${distribution?.version ?? 'another'}: one was installed over the other, and files of both may be there.`, true);
  }
  if (overConda && survey.conda !== null) add(survey.conda.path, survey.conda.version, `conda installed PyTorch as well; ${distribution.installer ?? 'another tool'} wrote over the same folder.`, true);
  for (const { distribution: record } of survey.records) {
    if (own.includes(record) || torches.some((torch) => torch.folder === record.folder) || used === null) continue;
    add(record.path, record.version, 'Only this record is left: the package itself is gone.', false);
    troubles.push({ path: record.path, detail: 'the package that it describes is not there' });
  }
  for (const { entry, path } of survey.remains) {
    add(path, /^[^-]*-([0-9][^-]*)\.dist-info$/.exec(entry)?.[1] ?? null, 'Remains of a removal that was interrupted; it is never imported.', false);
    troubles.push({ path, detail: 'remains of a removal of PyTorch that was interrupted' });
  }
  if (used !== null && own.length === 0 && conda === null) {
    troubles.push({ path: used.path, detail: 'no installed package says that this PyTorch is its own, so no tool updates or removes it' });
  }
  const said = used?.versionFile?.version ?? null;
  if (said !== null && distribution !== null && publicVersion(said) !== publicVersion(distribution.version)) {
    troubles.push({ path: distribution.path, detail: `it says version ${distribution.version}, but the version.py of the package says ${said}` });
  }

  const gone = used === null ? (survey.records[0]?.distribution ?? null) : null;
  const shadows: EnvironmentXray['shadows'] = [];
  if (imported !== null && imported.path !== used?.path && (used !== null || gone !== null)) {
    shadows.push({ module: 'torch', path: imported.path, why: used === null ? 'It has the name of PyTorch, but is none.' : `Python looks there before ${used.folder}.` });
  }
  return { used, distribution: distribution ?? gone, conda, gone, otherTorch, shadows, duplicates, troubles };
}

function explainHidden(environment: TorchSurvey['environment'], used: TorchPlace, hidden: TorchPlace): { why: string; harms: boolean } {
  if (hidden.form === 'bare') return { why: 'It has no __init__.py, so it is not imported: an installation or a removal was interrupted.', harms: false };
  const ofPrefix = (place: TorchPlace): boolean => isWithin(environment.prefix, place.folder);
  const ofBase = (place: TorchPlace): boolean => environment.basePrefix !== null && isWithin(environment.basePrefix, place.folder);
  // What such an environment is made for: its own package comes before the base's.
  if (environment.sharesBasePackages && ofPrefix(used) && !ofPrefix(hidden)) return { why: 'It belongs to the base Python, whose packages this environment shares; its own comes first.', harms: false };
  if (!ofPrefix(used) && !ofBase(used)) return { why: `Python looks into ${used.folder}, which is outside of the environment, first.`, harms: true };
  return { why: `Python finds the one in ${used.folder} first.`, harms: true };
}

/** Without the local label: on the package index METADATA has none. */
function publicVersion(version: string): string {
  return version.replace(/\+.*$/, '');
}

/** How pip renames what it is about to remove: a tilde, perhaps fillers, then the end of the name. */
export function isTorchRemains(entry: string): boolean {
  return /^~[-~.=%0-9]*(?:t?orch|rch|ch|h)(?:-[0-9].*)?$/.test(entry);
}
