/**
 * Which cached tokens were computed together. Kernels give slightly other numbers for batches of another size, so a
 * cache that is cut in the middle of a batch can change a later token. Only whole batches are reused: the same request
 * is then computed in the same way each time, and gives the same tokens.
 */
export interface CacheSegments {
  /** How many of `common` cached tokens may be reused; the rest of the cache is forgotten here. */
  reuse(common: number): number;
  /** Tokens from `from` to `to` were computed in one go. */
  fed(from: number, to: number): void;
}

/** Tokens computed in one go, or (`single`) one after another. */
interface Segment {
  readonly from: number;
  readonly to: number;
  readonly single: boolean;
}

export function createCacheSegments(): CacheSegments {
  let segments: Segment[] = [];
  const end = (): number => segments.at(-1)?.to ?? 0;
  return {
    reuse(common) {
      // What lies behind the last prompt is an answer.
      if (common > end()) segments.push({ from: end(), to: common, single: true });
      const kept: Segment[] = [];
      for (const segment of segments) {
        if (segment.to <= common) kept.push(segment);
        else {
          if (segment.single && segment.from < common) kept.push({ ...segment, to: common });
          break;
        }
      }
      segments = kept;
      return end();
    },
    fed(from, to) {
      if (to > from) segments.push({ from, to, single: false });
    },
  };
}
