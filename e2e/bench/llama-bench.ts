import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { StagedPrograms } from './stage-llama-bench.ts';

const run = promisify(execFile);

/** What llama-bench prints with -o json, as far as it is used. */
const entries = z.array(z.object({ n_prompt: z.int(), n_gen: z.int(), avg_ts: z.number(), samples_ts: z.array(z.number()) }).loose());
/** A line of llama-batched-bench's jsonl. */
const batchedEntry = z.object({ pl: z.int(), speed_tg: z.number() }).loose();

export interface LlamaBench {
  /** What it was built of, for the table. */
  readonly build: string;
  /** Tokens a second, one value a repeat. */
  prompt(tokens: number, repeats: number): Promise<readonly number[]>;
  decode(tokens: number, repeats: number): Promise<readonly number[]>;
  /** Tokens a second of all sequences together, by their number; null: there is no llama-batched-bench. */
  batched(options: { readonly prompt: number; readonly decode: number; readonly sequences: readonly number[] }): Promise<ReadonlyMap<number, number> | null>;
  /** Libraries of ggml's backends that it said it loaded. */
  backends(): readonly string[];
}

export interface LlamaBenchOptions {
  readonly programs: StagedPrograms;
  readonly model: string;
  readonly gpuLayers: number;
  readonly threads: number;
  readonly batch: number;
  readonly flashAttention: boolean;
}

const LIMIT_MS = 300_000;

/** The reference: llama.cpp's own benchmarks with the same settings. Their libraries lie beside them. */
export function openLlamaBench(options: LlamaBenchOptions): LlamaBench {
  const { programs } = options;
  const seen = new Set<string>();
  const start = async (program: string, args: readonly string[]): Promise<string> => {
    const libraries = [dirname(program), programs.env['LD_LIBRARY_PATH'] ?? '', process.env['LD_LIBRARY_PATH'] ?? ''].filter(Boolean).join(':');
    const { stdout, stderr } = await run(program, [...args], { env: { ...process.env, ...programs.env, LD_LIBRARY_PATH: libraries }, cwd: dirname(program), maxBuffer: 16 * 1024 * 1024, timeout: LIMIT_MS });
    for (const [, path] of `${stderr}\n${stdout}`.matchAll(/loaded \S+ backend from \S*?([^/\s]+\.so)\b/g)) if (path !== undefined) seen.add(path);
    return stdout;
  };
  const common = ['-m', options.model, '-ngl', String(options.gpuLayers), '-t', String(options.threads), '-b', String(options.batch), '-ub', String(options.batch)];
  const measure = async (prompt: number, decode: number, repeats: number): Promise<readonly number[]> => {
    const stdout = await start(programs.bench, [...common, '-p', String(prompt), '-n', String(decode), '-r', String(repeats), '-fa', options.flashAttention ? '1' : '0', '-o', 'json']);
    const found = entries.parse(JSON.parse(stdout)).find((e) => e.n_prompt === prompt && e.n_gen === decode);
    if (!found) throw new Error(`llama-bench measured something else: ${stdout.slice(0, 500)}`);
    return found.samples_ts;
  };
  return {
    build: programs.build,
    prompt: (tokens, repeats) => measure(tokens, 0, repeats),
    decode: (tokens, repeats) => measure(0, tokens, repeats),
    async batched({ prompt, decode, sequences }) {
      if (programs.batchedBench === null) return null;
      const most = Math.max(...sequences);
      const stdout = await start(programs.batchedBench, [...common, '-c', String((prompt + decode) * most), '-npp', String(prompt), '-ntg', String(decode), '-npl', sequences.join(','), '-fa', options.flashAttention ? 'on' : 'off', '--output-format', 'jsonl']);
      const lines = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => batchedEntry.parse(JSON.parse(line)));
      return new Map(lines.map((line) => [line.pl, line.speed_tg]));
    },
    backends: () => [...seen],
  };
}
