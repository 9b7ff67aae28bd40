import { basename } from 'node:path';
import type { Model, OfferedModel } from '../../../contract/models.ts';

/** The model that is meant by an id, a path, a name (with `:Q4_K_M` behind it, where there are several), a label or an offered id. Pure. */
export function findModel(reference: string, models: readonly Model[], offered: readonly OfferedModel[]): Model | null {
  const wanted = reference.trim();
  const exact = models.find((m) => m.id === wanted) ?? models.find((m) => m.files.some((file) => file.path === wanted));
  if (exact !== undefined) return exact;
  const small = wanted.toLowerCase();
  const names = (m: Model): string[] => {
    const quantisation = m.facts?.quantisation.toLowerCase();
    const plain = [m.name, m.label, basename(m.path)].flatMap((name) => (name === null ? [] : [name.toLowerCase()]));
    return quantisation === undefined ? plain : [...plain, ...plain.map((name) => `${name}:${quantisation}`)];
  };
  const byName = preferred(models.filter((m) => names(m).includes(small)));
  if (byName !== undefined) return byName;
  const offer = offered.find((one) => one.id.toLowerCase() === small || one.repository?.toLowerCase() === small);
  return offer === undefined ? null : (preferred(models.filter((m) => isOffered(m, offer))) ?? null);
}

/** Of several, one without problems; of these the one that was used last. */
function preferred(models: readonly Model[]): Model | undefined {
  const broken = (m: Model): number => (m.problems.some((p) => p.severity === 'problem') ? 1 : 0);
  return [...models].sort((a, b) => broken(a) - broken(b) || (b.lastUsedAtMs ?? 0) - (a.lastUsedAtMs ?? 0))[0];
}

/** That file on this machine which is one of the offered model's files. */
export function isOffered(model: Model, offer: OfferedModel): boolean {
  return offer.files.some((file) => isFile(model, offer, file)) || (offer.package !== null && basename(model.path) === basename(offer.package.file) && model.bytes === offer.package.bytes);
}

export function isFile(model: Model, offer: Pick<OfferedModel, 'repository'>, file: OfferedModel['files'][number]): boolean {
  if (file.sha256 !== null && model.origin?.sha256 === file.sha256) return true;
  if (basename(model.path) !== basename(file.file)) return false;
  const from = model.origin?.repository ?? (model.home === 'hugging_face' || model.home === 'lm_studio' ? model.label : null);
  return (from !== null && from.toLowerCase() === offer.repository?.toLowerCase()) || (file.bytes > 0 && model.bytes === file.bytes);
}

/** It can be talked to. */
export function canChat(model: Model): boolean {
  return model.facts !== null && model.facts.template !== null && !model.facts.embeddingOnly && !model.synthetic && !model.problems.some((p) => p.severity === 'problem');
}

/** For a first chat: the one of the settings, else the one that was used last, else the smallest that can chat. Pure. */
export function decideDefault(models: readonly Model[], wished: string | null): Model | null {
  const chosen = wished === null ? null : findModel(wished, models, []);
  if (chosen !== null) return chosen;
  const able = models.filter(canChat);
  const used = able.filter((m) => m.lastUsedAtMs !== null).sort((a, b) => (b.lastUsedAtMs ?? 0) - (a.lastUsedAtMs ?? 0))[0];
  return used ?? able.sort((a, b) => a.bytes - b.bytes)[0] ?? null;
}
