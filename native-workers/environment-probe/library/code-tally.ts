import type { DeviceCode } from '../../../contract/environments.ts';

/** Real libraries carry up to some twenty kinds of code. */
const MOST_KINDS = 256;
/** Compute capabilities are two or three digits: 2.0 to 12.1 so far. */
const LOWEST_ARCH = 10;
const HIGHEST_ARCH = 999;
const A_FLAG = 0x10_0000;
const F_FLAG = 0x20_0000;

/** The fields of an entry's header that tell what it is. */
export interface EntryHeader {
  /** 1 PTX, 2 cubin; others (LTO code and the like) run on no GPU as they are. */
  readonly kind: number;
  readonly arch: number;
  /** Low half of the flags. */
  readonly flags: number;
  readonly major: number;
  readonly minor: number;
}

export interface CodeTally {
  /** To be called before the entries of each container. */
  beginContainer(): void;
  /** False when the header cannot be true. */
  add(entry: EntryHeader): boolean;
  containers(): number;
  code(): DeviceCode[];
}

interface Count {
  kind: DeviceCode['kind'];
  number: number;
  suffix: string;
  containers: number;
  entries: number;
  lastContainer: number;
  /** As major × 1000 + minor; the newest of its entries, which a driver must know to compile them all. */
  isa: number;
}

export function createCodeTally(): CodeTally {
  const counts = new Map<string, Count>();
  let container = 0;
  return {
    beginContainer: () => void container++,
    add(entry) {
      if (entry.kind !== 1 && entry.kind !== 2) return true;
      if (entry.arch < LOWEST_ARCH || entry.arch > HIGHEST_ARCH) return false;
      const suffix = (entry.flags & A_FLAG) !== 0 ? 'a' : (entry.flags & F_FLAG) !== 0 ? 'f' : '';
      const key = `${entry.kind} ${entry.arch}${suffix}`;
      let count = counts.get(key);
      if (count === undefined) {
        if (counts.size >= MOST_KINDS) return false;
        count = { kind: entry.kind === 1 ? 'ptx' : 'sass', number: entry.arch, suffix, containers: 0, entries: 0, lastContainer: 0, isa: 0 };
        counts.set(key, count);
      }
      count.entries++;
      if (count.lastContainer !== container) count.containers++;
      count.lastContainer = container;
      if (entry.kind === 1 && entry.major < 1000 && entry.minor < 1000) count.isa = Math.max(count.isa, entry.major * 1000 + entry.minor);
      return true;
    },
    containers: () => container,
    code: () =>
      [...counts.values()]
        .sort((a, b) => b.kind.localeCompare(a.kind) || a.number - b.number || a.suffix.localeCompare(b.suffix))
        .map(({ kind, number, suffix, containers, entries, isa }) => ({
          arch: `${kind === 'ptx' ? 'compute' : 'sm'}_${number}${suffix}`,
          kind,
          containers,
          entries,
          ptxIsa: isa === 0 ? null : `${Math.floor(isa / 1000)}.${isa % 1000}`,
        })),
  };
}
