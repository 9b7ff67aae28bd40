import { closeSync, openSync, readSync } from 'node:fs';

/** Instruction sets that decide how llama.cpp keeps weights on this processor. */
export interface ProcessorFeatures {
  readonly avx2: boolean;
  readonly avx512: boolean;
  /** Tile registers for 8-bit products (Sapphire Rapids and later). */
  readonly amx: boolean;
  /** Arm's dot products of 8-bit values. */
  readonly dotProduct: boolean;
}

/** One that llama.cpp rearranges nothing for. */
export const plainProcessor: ProcessorFeatures = { avx2: false, avx512: false, amx: false, dotProduct: false };

/** The first processor's part of the file is at most a few KB long; a machine may have hundreds. */
const MAX_BYTES = 16_384;

/** Reads the features of this machine's processor. Never throws. */
export function readProcessorFeatures(): ProcessorFeatures {
  return decideProcessorFeatures(process.platform, process.arch, process.platform === 'linux' ? readFirstProcessor() : null);
}

function readFirstProcessor(): string | null {
  let file: number | null = null;
  try {
    file = openSync('/proc/cpuinfo', 'r');
    const buffer = Buffer.alloc(MAX_BYTES);
    let length = 0;
    for (let read = -1; read !== 0 && length < MAX_BYTES; length += read) read = readSync(file, buffer, length, MAX_BYTES - length, null);
    return buffer.toString('latin1', 0, length);
  } catch {
    // A sandbox without it: what such a processor most likely has is assumed.
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
}

/**
 * Features as llama.cpp's own choice of its processor library sees them (cpu-feats.cpp and the list of variants in
 * ggml/src/CMakeLists.txt, v0.5.0): a set counts only when all that the variant is compiled with is there.
 *
 * Pure. `cpuinfo`: the text of /proc/cpuinfo; null: not to be had, then AVX2 is assumed on x86 (of all processors since
 * 2015), the dot products on Apple's, and nothing on Windows for Arm, where the library that ships is built without.
 */
export function decideProcessorFeatures(platform: NodeJS.Platform, arch: NodeJS.Architecture, cpuinfo: string | null): ProcessorFeatures {
  const said = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo ?? '')?.[1] ?? null;
  const flags = said === null ? null : new Set(said.trim().split(/\s+/));
  const has = (...names: readonly string[]): boolean => flags !== null && names.every((name) => flags.has(name));
  if (arch === 'arm64') return { ...plainProcessor, dotProduct: flags === null ? platform !== 'win32' : has('asimd', 'asimddp') };
  if (arch !== 'x64') return plainProcessor;
  const avx2 = flags === null || has('sse4_2', 'avx', 'f16c', 'fma', 'avx2', 'bmi2');
  const avx512 = avx2 && has('avx512f', 'avx512cd', 'avx512vl', 'avx512dq', 'avx512bw');
  const amx = avx512 && has('avx512vbmi', 'avx512_vnni', 'avx512_bf16', 'amx_tile', 'amx_int8');
  return { avx2, avx512, amx, dotProduct: false };
}
