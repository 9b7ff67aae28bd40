import { resolve } from 'node:path';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { EnvironmentReport } from '../../contract/verdict.ts';
import type { EngineClient } from '../engine/connect.ts';

/** The environment that a word means: its id, its name if only one has it, or its folder (or its Python's path). */
export async function findEnvironment(client: EngineClient, word: string, judge: { readonly for: readonly string[]; readonly driver: string | null }, signal: AbortSignal): Promise<EnvironmentReport> {
  const looksLikePath = word.includes('/') || word.includes('\\') || word === '.';
  const input = { for: [...judge.for], driver: judge.driver };
  if (!looksLikePath) {
    const { reports } = await client.environments.judge(input, { signal });
    const byId = reports.find((r) => r.environment.id === word);
    if (byId !== undefined) return byId;
    const byName = reports.filter((r) => r.environment.name === word);
    if (byName.length > 1) throw problemError('env.not_found', { what: `"${word}" is the name of ${String(byName.length)} environments (${byName.map((r) => r.environment.prefix).join(', ')}); it alone` });
    const [only] = byName;
    if (only !== undefined) return only;
  }
  const { reports: [found] } = await client.environments.judge({ ...input, env: resolve(word) }, { signal });
  if (found === undefined) throw problemError('env.not_found', { what: word });
  return found;
}
