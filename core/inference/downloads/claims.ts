import { addRange, missingRanges, type ByteRanges } from './byte-ranges.ts';

/** A stretch of the file that one connection fetches. */
export interface Claim {
  readonly from: number;
  /** The next byte; moves on. */
  at: number;
  /** Comes nearer when another connection takes over the rest. */
  end: number;
}
export interface Claims {
  /** The next stretch that nobody has; when all are taken, half of the longest one. null: nothing is left to do. */
  take(): Claim | null;
  release(claim: Claim): void;
}
export interface ClaimsOptions {
  readonly ranges: () => ByteRanges;
  /** null: the server has not said yet. */
  readonly total: () => number | null;
  readonly pieceBytes: () => number;
}

/** Of a shorter stretch, what is on its way already would be much of what is saved. */
const WORTH_SPLITTING = 8 * 1024 * 1024;

export function createClaims({ ranges, total, pieceBytes }: ClaimsOptions): Claims {
  const taken = new Set<Claim>();
  const hold = (from: number, end: number): Claim => {
    const claim = { from, at: from, end };
    taken.add(claim);
    return claim;
  };
  return {
    take() {
      const size = total();
      // Before the server has said how long it is, only the first knows what to ask for.
      if (size === null) return taken.size > 0 ? null : hold(0, pieceBytes());
      const covered = [...taken].reduce((all, claim) => addRange(all, [claim.from, claim.end]), ranges());
      const [free] = missingRanges(covered, size);
      if (free !== undefined) return hold(free[0], Math.min(free[1], free[0] + pieceBytes()));
      const longest = [...taken].sort((a, b) => b.end - b.at - (a.end - a.at))[0];
      if (longest === undefined || longest.end - longest.at < WORTH_SPLITTING) return null;
      const middle = longest.at + Math.ceil((longest.end - longest.at) / 2);
      const half = hold(middle, longest.end);
      longest.end = middle;
      return half;
    },
    release: (claim) => void taken.delete(claim),
  };
}
