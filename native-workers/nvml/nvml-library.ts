import koffi from 'koffi';
import { decideLoadFailure, listLibraryCandidates } from './library-candidates.ts';
import { nvmlSymbolNames, nvmlSymbols, type NvmlSymbol } from './nvml-symbols.ts';
import { LOADING, WORD } from './shared-state.ts';
import { readDriverFacts, readLoadedPath } from './driver-facts.ts';
import { NVML, decideTrouble, type DriverFacts, type Trouble } from './trouble.ts';

/** A device handle or an event set, as the driver gave it. */
export type Handle = bigint;
type Argument = Handle | number | Uint32Array | Uint8Array | null;
/** Answers an NVML return code. */
export type NvmlCall = (a?: Argument, b?: Argument, c?: Argument, d?: Argument) => number;

export interface NvmlLibrary {
  /** null: this driver does not have the function. */
  readonly calls: Readonly<Record<NvmlSymbol, NvmlCall | null>>;
  readonly path: string | null;
  readonly facts: DriverFacts;
  close(): void;
}

const parameter: Readonly<Record<string, string>> = { d: 'void *', p: 'void *', u: 'unsigned int', i: 'int', q: 'uint64_t' };

/** Around each call: say which one it is (a hang is then named), and that there was progress afterwards. */
function watched(raw: NvmlCall, arity: number, id: number, words: Int32Array): NvmlCall {
  const before = (): void => {
    Atomics.store(words, WORD.busy, id);
  };
  const after = (code: number): number => {
    Atomics.store(words, WORD.busy, 0);
    Atomics.add(words, WORD.progress, 1);
    return code;
  };
  // One form an arity: rest parameters would allocate an array for every call.
  if (arity === 0) return () => (before(), after(raw()));
  if (arity === 1) return (a) => (before(), after(raw(a)));
  if (arity === 2) return (a, b) => (before(), after(raw(a, b)));
  if (arity === 3) return (a, b, c) => (before(), after(raw(a, b, c)));
  return (a, b, c, d) => (before(), after(raw(a, b, c, d)));
}

/** Loads NVML from the first place that has it and binds what it has. Each symbol that is missing is null. */
export function openNvmlLibrary(words: Int32Array): { readonly library: NvmlLibrary } | { readonly trouble: Trouble } {
  const candidates = listLibraryCandidates(process.platform, process.env);
  let broken: { path: string; detail: string } | null = null;
  for (const candidate of candidates) {
    Atomics.store(words, WORD.busy, LOADING);
    try {
      const lib = koffi.load(candidate);
      const calls = {} as Record<NvmlSymbol, NvmlCall | null>;
      nvmlSymbolNames.forEach((name, index) => {
        calls[name] = bind(lib, name, index + 1, words);
      });
      const path = readLoadedPath() ?? candidate;
      return { library: { calls, path, facts: readDriverFacts(candidates[0] ?? '', path), close: () => lib.unload() } };
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      if (broken === null && decideLoadFailure(candidate, detail) === 'broken') broken = { path: candidate, detail };
    } finally {
      Atomics.store(words, WORD.busy, 0);
      Atomics.add(words, WORD.progress, 1);
    }
  }
  if (broken !== null) return { trouble: { code: 'gpu.library_broken', facts: { library: broken.path, detail: broken.detail }, chain: [broken.detail] } };
  return { trouble: decideTrouble(NVML.libraryNotFound, 'load', readDriverFacts(candidates[0] ?? 'libnvidia-ml.so.1', null)) };
}

function bind(lib: ReturnType<typeof koffi.load>, name: NvmlSymbol, id: number, words: Int32Array): NvmlCall | null {
  const shape = nvmlSymbols[name];
  try {
    const raw = lib.func(`int ${name}(${[...shape].map((letter) => parameter[letter]).join(', ')})`) as unknown as NvmlCall;
    return watched(raw, shape.length, id, words);
  } catch {
    return null; // An old driver: the feature is off and says so.
  }
}
