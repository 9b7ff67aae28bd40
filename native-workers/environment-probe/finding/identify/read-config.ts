import { join } from 'node:path';
import { makeProblem } from '../../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../../contract/problem.ts';
import type { SearchContext } from '../search-context.ts';
import { parsePyvenvConfig, type PyvenvConfig } from './parse-pyvenv-config.ts';

export interface ConfigFacts {
  /** Null when it cannot be read. */
  readonly config: PyvenvConfig | null;
  readonly problem: Problem | null;
}

/** pyvenv.cfg of a prefix. Null: there is none. */
export async function readConfig(context: SearchContext, prefix: string): Promise<ConfigFacts | null> {
  const path = join(prefix, 'pyvenv.cfg');
  const broken = (detail: string): ConfigFacts => ({ config: null, problem: makeProblem('env.config_broken', { path, detail }) });
  if (!(await context.exists(path))) return null;
  const facts = await context.stat(path);
  if (facts === null) return broken('it is a link that leads nowhere, or in a circle.');
  if (!facts.isFile()) return broken(facts.isDirectory() ? 'it is a folder.' : 'it is no regular file.');
  const bytes = await context.readBytes(path);
  if (bytes === null) return broken('it cannot be read: this user may not, or the disk reports an error.');
  const parsed = parsePyvenvConfig(bytes);
  return 'trouble' in parsed ? broken(parsed.trouble) : { config: parsed, problem: null };
}
