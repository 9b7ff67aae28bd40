import { problemError } from '../../contract/problem-catalogue.ts';
import type { ProblemError } from '../../contract/problem.ts';
import { pickTrouble } from './load-log.ts';

export interface FailedLoad {
  readonly name: string;
  readonly path: string;
  readonly release: string;
  readonly contextTokens: number;
  /** What was being done. */
  readonly step: 'engine' | 'model' | 'context' | 'draft';
  readonly error: unknown;
  readonly lines: readonly string[];
  /** Where it was to go, and the bytes that are free there; null: not reported. */
  readonly place: string;
  readonly freeBytes: number | null;
  readonly onGpu: boolean;
}

const gigabytes = (bytes: number | null): string | null => (bytes === null ? null : `${(bytes / 1e9).toFixed(2)} GB`);
const NO_MEMORY = /out of memory|failed to allocate|unable to allocate|cannot allocate|allocation failed|alloc.* failed|not enough memory|ErrorOutOfDeviceMemory|ErrorOutOfHostMemory|insufficient ?memory|bad_alloc|failed to mmap.*Cannot allocate/i;
const UNKNOWN_KIND = /unknown model architecture:?\s*'?([^'\n]*)'?|unknown pre-tokenizer type:?\s*'?([^'\n]*)'?|unsupported (?:model )?architecture:?\s*'?([^'\n]*)'?|unknown tokenizer:?\s*'?([^'\n]*)'?|invalid ggml type (\d+)|unsupported tensor type/i;
const DAMAGED = /not within the file bounds|corrupt|tensor '.*' has (?:invalid|wrong)|has invalid data|failed to read (?:header|key-value|tensor)|invalid (?:n_dims|offset|number of|key|string|value)|missing tensor|duplicated? (?:tensor|key)|check_tensor_dims|wrong (?:shape|number)|found nan|found inf|RangeError|Invalid (?:typed )?array length|Offset is outside|out of range|unexpected end|key not found/i;

/** The Problem of a load that failed, with llama.cpp's own reason. Pure; the words are those of llama.cpp v0.5.0. */
export function decideLoadProblem(failed: FailedLoad): ProblemError {
  const raw = failed.error instanceof Error ? failed.error.message : String(failed.error);
  // The library says its name and nothing else.
  const message = raw === 'NoBinaryFoundError' ? 'The build could not be loaded on this system; its files may be incomplete.' : raw;
  const said = pickTrouble(failed.lines);
  const all = [`${failed.error instanceof Error ? failed.error.name : ''} ${message}`, ...said].join('\n');
  const chain = [message, ...said].filter((text, index, texts) => text !== '' && texts.indexOf(text) === index);
  // The library's "Failed to load model" and "failed to load model" of llama.cpp's last line say nothing.
  const reason = chain.find((text) => !/^(?:Error: )?Failed to (?:load model|create context)\.?$/i.test(text)) ?? message;
  const options = { cause: failed.error, chain };
  const { name } = failed;

  if (failed.error instanceof Error && 'code' in failed.error && (failed.error.code === 'ENOENT' || failed.error.code === 'EACCES' || failed.error.code === 'EISDIR')) {
    return problemError('load.failed', { name, detail: message, remedy: 'Check that the file is there and may be read.' }, options);
  }
  if (/GGUF magic|bad magic|invalid magic/i.test(all)) return problemError('model.not_gguf', { path: failed.path, what: 'something else', remedy: 'Choose the model file itself, or get it again.' }, options);
  const kind = UNKNOWN_KIND.exec(all);
  if (kind !== null) {
    const what = kind.slice(1).find((part) => part !== undefined && part !== '') ?? kind[0];
    return problemError('model.unsupported', { what: `${name} (${what.trim()})`, release: failed.release }, options);
  }
  if (NO_MEMORY.test(all)) {
    const [, size] = /(?:buffer of|of|allocate|allocating)\s+(?:type \S+ )?(?:size )?(\d{6,}|[\d.]+ MiB)/i.exec(all) ?? [];
    const bytes = size === undefined ? null : size.endsWith('MiB') ? Number.parseFloat(size) * 1024 * 1024 : Number(size);
    const remedy = failed.onGpu ? 'Choose a shorter context, fewer GPU layers, a quantised cache or a smaller model, or unload another model.' : 'Choose a shorter context or a smaller model, or unload another model.';
    return problemError('load.no_memory', { name, contextTokens: failed.contextTokens, need: gigabytes(bytes) ?? 'more', place: failed.place, free: gigabytes(failed.freeBytes), remedy }, options);
  }
  if (failed.step === 'model' && DAMAGED.test(all)) return problemError('model.damaged', { path: failed.path, detail: reason }, options);
  const remedy = failed.step === 'context' ? 'Choose a shorter context or other cache types.' : failed.step === 'draft' ? 'Load it without the draft model, or choose one of the same vocabulary.' : 'Try again; if it fails again, get the file anew.';
  return problemError('load.failed', { name, detail: reason, remedy }, options);
}
