import { z } from 'zod';
import type { OfferedModel } from '../../../contract/models.ts';
import { groupFiles, type HubFile } from './group-files.ts';

const text = z.string().max(1000);
const sha = z.string().regex(/^[0-9a-f]{64}$/i);
const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const lfs = z.object({ sha256: sha.optional().catch(undefined), oid: z.string().max(200).optional().catch(undefined), size: size.optional().catch(undefined) }).nullish().catch(null);

/** As `/api/models/{repository}?blobs=true` answers; what is not understood counts as not said. */
const repositoryAnswer = z.object({
  id: text.optional().catch(undefined),
  sha: z.string().regex(/^[0-9a-f]{40}$/).optional().catch(undefined),
  gated: z.union([z.boolean(), z.string().max(40)]).optional().catch(undefined),
  tags: z.array(text).max(1000).catch([]),
  cardData: z.object({ license: text.optional().catch(undefined), license_name: text.optional().catch(undefined), license_link: text.optional().catch(undefined) }).nullish().catch(null),
  gguf: z.object({ total: z.number().positive().optional().catch(undefined), context_length: z.int().positive().optional().catch(undefined) }).nullish().catch(null),
  siblings: z.array(z.object({ rfilename: text, size: size.nullish().catch(null), lfs })).max(20_000).catch([]),
});
/** As `/api/models/{repository}/tree/{revision}` answers. */
const treeAnswer = z.array(z.object({ type: z.string().max(40), path: text, size: size.nullish().catch(null), lfs })).max(20_000);

export interface RepositoryFacts {
  readonly model: OfferedModel;
  readonly files: readonly HubFile[];
  /** Sizes are missing: the tree must be asked. */
  readonly needsTree: boolean;
}

const hashOf = (given: z.infer<typeof lfs>): string | null => {
  const found = given?.sha256 ?? given?.oid?.replace(/^sha256:/, '');
  return found !== undefined && /^[0-9a-f]{64}$/i.test(found) ? found.toLowerCase() : null;
};

/** Text of the answer → what it offers. Pure. @throws Error when it is not such an answer */
export function parseRepository(answer: string, asked: { readonly repository: string; readonly revision: string | null; readonly baseUrl: string }): RepositoryFacts {
  const json: unknown = JSON.parse(answer);
  const found = repositoryAnswer.parse(json);
  const files = found.siblings.map((one): HubFile => ({ file: one.rfilename, bytes: one.lfs?.size ?? one.size ?? null, sha256: hashOf(one.lfs) }));
  const ggufs = files.filter((one) => /\.gguf$/i.test(one.file));
  return { model: offer(found, files, asked), files, needsTree: ggufs.some((one) => one.bytes === null) };
}

function offer(found: z.infer<typeof repositoryAnswer>, files: readonly HubFile[], asked: { readonly repository: string; readonly revision: string | null; readonly baseUrl: string }): OfferedModel {
  const tag = found.tags.find((one) => one.startsWith('license:'))?.slice('license:'.length);
  const licence = found.cardData?.license_name ?? found.cardData?.license ?? tag;
  const link = found.cardData?.license_link;
  const gated = found.gated !== undefined && found.gated !== false && found.gated !== 'false';
  return {
    id: asked.repository, name: asked.repository.split('/').at(-1) ?? asked.repository, repository: asked.repository, revision: found.sha ?? asked.revision,
    parameters: found.gguf?.total ?? null, activeParameters: null, contextTrained: found.gguf?.context_length ?? null,
    licence: licence === undefined ? null : { name: licence, conditions: gated ? 'Its terms must be accepted on its page first.' : '', link: link !== undefined && /^https:\/\//.test(link) ? link : `${asked.baseUrl}/${asked.repository}` },
    note: `From ${asked.repository}.`, gated, files: groupFiles(files), package: null, first: false,
  };
}

/** One page of the tree → its files. Pure. @throws Error when it is not such an answer */
export function parseTree(answer: string): HubFile[] {
  const json: unknown = JSON.parse(answer);
  return treeAnswer.parse(json).filter((one) => one.type === 'file').map((one) => ({ file: one.path, bytes: one.lfs?.size ?? one.size ?? null, sha256: hashOf(one.lfs) }));
}

/** The address of the next page in a Link header; null: this was the last. Pure. */
export function parseNextLink(header: string | undefined): string | null {
  return /<([^<>]{1,2000})>\s*;\s*rel="?next"?/.exec(header ?? '')?.[1] ?? null;
}
