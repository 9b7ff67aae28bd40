import { askIndex } from './index-http.ts';
import type { IndexAccess } from './install-tool.ts';

/** An answer counts for so long, ms: a plan is made several times in a row. */
const FRESH_MS = 60_000;
const TIMEOUT_MS = 4000;

/**
 * Whether PyTorch's own index answers, through the user's proxy: any answer of a web server below 500 counts, also a
 * refusal to list. With a wheel folder nothing is asked: the question does not arise.
 */
export function createIndexCheck(access: () => IndexAccess, now: () => number = Date.now): (signal: AbortSignal) => Promise<boolean | null> {
  let last: { readonly url: string; readonly atMs: number; readonly answer: boolean } | null = null;
  return async (signal) => {
    const current = access();
    if (current.wheelFolder !== null) return null;
    const url = `${current.torchIndexUrl}/`;
    if (last !== null && last.url === url && now() - last.atMs < FRESH_MS) return last.answer;
    const answer = await askIndex({ url, maxBytes: 1024, timeoutMs: TIMEOUT_MS, signal }, current).then(({ status }) => status < 500, () => false);
    signal.throwIfAborted();
    last = { url, atMs: now(), answer };
    return answer;
  };
}
