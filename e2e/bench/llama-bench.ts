import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

/** What llama-bench prints with -o json, as far as it is used. */
const entries = z.array(z.object({ n_prompt: z.int(), n_gen: z.int(), avg_ts: z.number(), samples_ts: z.array(z.number()), build_number: z.union([z.int(), z.string()]).optional(), backends: z.string().optional() }).loose());

export interface LlamaBench {
  /** Tokens a second, one value a repeat. */
  prompt(tokens: number, repeats: number): Promise<readonly number[]>;
  decode(tokens: number, repeats: number): Promise<readonly number[]>;
}

export interface LlamaBenchOptions {
  readonly program: string;
  readonly model: string;
  readonly gpuLayers: number;
  readonly threads: number;
  readonly batch: number;
  readonly flashAttention: boolean;
  readonly env: Readonly<Record<string, string>>;
}

/** The reference: llama.cpp's own benchmark with the same settings. Its libraries lie beside it. */
export function openLlamaBench(options: LlamaBenchOptions): LlamaBench {
  const measure = async (prompt: number, decode: number, repeats: number): Promise<readonly number[]> => {
    const args = ['-m', options.model, '-p', String(prompt), '-n', String(decode), '-r', String(repeats), '-ngl', String(options.gpuLayers), '-t', String(options.threads), '-b', String(options.batch), '-ub', String(options.batch), '-fa', options.flashAttention ? '1' : '0', '-o', 'json'];
    const { stdout } = await run(options.program, args, { env: { ...process.env, ...options.env, LD_LIBRARY_PATH: [dirname(options.program), options.env['LD_LIBRARY_PATH'] ?? ''].filter(Boolean).join(':') }, maxBuffer: 16 * 1024 * 1024, timeout: 300_000 });
    const found = entries.parse(JSON.parse(stdout)).find((e) => e.n_prompt === prompt && e.n_gen === decode);
    if (!found) throw new Error(`llama-bench measured something else: ${stdout.slice(0, 500)}`);
    return found.samples_ts;
  };
  return { prompt: (tokens, repeats) => measure(tokens, 0, repeats), decode: (tokens, repeats) => measure(0, tokens, repeats) };
}
