import type { Handle, NvmlCall } from './nvml-library.ts';
import { readI32, readU32, readU64 } from './words.ts';
import { NVML } from './trouble.ts';

/** nvml.h, NVML_FI_DEV_…; `scope`: 0xffffffff sums over all NVLinks, 0…17 is one. */
export interface FieldRequest {
  readonly id: number;
  readonly scope: number;
}
/** `nvmlFieldValue_t`: id @0, scope @4, timestamp @8, latency @16, type @24, return @28, value @32. */
const WORDS = 10;

export interface FieldBatch {
  readonly requests: readonly FieldRequest[];
  /** One driver call for all that are still asked. Answers the call's own code. */
  read(call: NvmlCall, device: Handle): number;
  /** Of the last read: the code of one field, by its place in `requests`. */
  code(index: number): number;
  value(index: number): number | null;
  /** The driver's time of this value, µs since 1970. */
  atUs(index: number): number;
  bits(index: number): 32 | 64;
  /** Not supported: it is not asked any more. */
  drop(index: number): void;
  readonly size: number;
}

/** Preallocated memory for one device's batch; reading it allocates nothing. */
export function makeFieldBatch(requests: readonly FieldRequest[]): FieldBatch {
  let asked = requests.map((_, index) => index);
  /** A dropped field leaves at the next read: the places of the last one stay true until then. */
  let dropped = false;
  const words = new Uint32Array(requests.length * WORDS);
  const doubles = new Float64Array(words.buffer);
  /** Place in memory of each request, −1 when dropped. */
  const place = requests.map((_, index) => index);
  const fill = (): void => {
    asked.forEach((index, at) => {
      words[at * WORDS] = requests[index]?.id ?? 0;
      words[at * WORDS + 1] = requests[index]?.scope ?? 0;
      place[index] = at;
    });
  };
  fill();
  const base = (index: number): number => (place[index] ?? -1) * WORDS;
  return {
    requests,
    get size() {
      return dropped ? place.filter((at) => at >= 0).length : asked.length;
    },
    read(call, device) {
      if (dropped) {
        asked = asked.filter((index) => (place[index] ?? -1) >= 0);
        fill();
        dropped = false;
      }
      return asked.length === 0 ? NVML.ok : call(device, asked.length, words);
    },
    code: (index) => (base(index) < 0 ? NVML.notSupported : readI32(words, base(index) + 7)),
    value(index) {
      const at = base(index);
      if (at < 0) return null;
      switch (words[at + 6]) {
        case 0: return doubles[at / 2 + 4] ?? null; // double
        case 1: return readU32(words, at + 8);
        case 2: case 3: return readU64(words, at + 8);
        case 4: return (words[at + 9] ?? 0) >>> 31 === 1 ? null : readU64(words, at + 8);
        case 5: return readI32(words, at + 8);
        case 6: return (words[at + 8] ?? 0) & 0xffff;
        default: return null;
      }
    },
    atUs: (index) => (base(index) < 0 ? 0 : (words[base(index) + 2] ?? 0) + (words[base(index) + 3] ?? 0) * 4_294_967_296),
    bits: (index) => (words[base(index) + 6] === 1 ? 32 : 64),
    drop(index) {
      place[index] = -1;
      dropped = true;
    },
  };
}
