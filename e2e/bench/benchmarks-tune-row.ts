import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { smolLm2 } from '../../core/testing/models.ts';
import type { Row } from './row.ts';

const LEAST_SPEED = 0.95;
const MOST_RUNS = 0.25;
const script = fileURLToPath(new URL('../../core/optimize/tune/fixtures/against-exhaustive.ts', import.meta.url));
const answer = z.object({
  model: z.string(), goal: z.string(), candidates: z.number(), searchRuns: z.number(), searchSeconds: z.number(), exhaustiveRounds: z.number(), exhaustiveRuns: z.number(), runShare: z.number(),
  chosen: z.string().optional(), best: z.string().optional(), speedShare: z.number(), ratio: z.number().optional(), low: z.number().optional(), high: z.number().optional(),
});

/** The search for llama.cpp's settings against trying them all, on the processor. `seconds`: of trying them all, at most. */
export async function tuneRows(options: { readonly goal: string; readonly seconds: number }): Promise<Row[]> {
  const what = `Tune against exhaustive search, ${options.goal}`;
  let model: string;
  try {
    model = smolLm2();
  } catch (error) {
    return [{ what, must: '≥ 95 %', value: Number.NaN, unit: '%', ok: null, detail: { why: `the small model is not here: ${error instanceof Error ? error.message.slice(0, 300) : String(error)}` } }];
  }
  const { stdout } = await promisify(execFile)(process.execPath, [script, model, options.goal, String(options.seconds)], { maxBuffer: 16 * 1024 * 1024, timeout: (options.seconds + 1800) * 1000 });
  const { runShare, speedShare, ...detail } = answer.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  const facts: Row['detail'] = Object.fromEntries(Object.entries(detail).map(([key, value]) => [key, value ?? null]));
  return [
    { what: `${what}: speed of what was chosen, of the best`, must: '≥ 95 %', value: 100 * speedShare, unit: '%', ok: speedShare >= LEAST_SPEED, detail: facts },
    { what: `${what}: runs, of those of trying them all`, must: '≤ 25 %', value: 100 * runShare, unit: '%', ok: runShare <= MOST_RUNS, detail: facts },
  ];
}
