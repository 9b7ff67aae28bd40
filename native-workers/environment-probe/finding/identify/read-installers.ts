import { join } from 'node:path';
import type { SearchContext } from '../search-context.ts';

/** So many packages, evenly spread, tell who installs here. */
const SAMPLE = 9;

/** The INSTALLER of most packages of a folder: first word, lower case (`Poetry 2.1` is `poetry`). Null: none says. */
export async function readInstaller(context: SearchContext, packageFolder: string): Promise<string | null> {
  const names = ((await context.list(packageFolder, 20_000))?.entries ?? []).map((entry) => entry.name).filter((name) => name.endsWith('.dist-info') && !/^(pip|setuptools|wheel)-/.test(name)).sort();
  const step = Math.max(1, Math.floor(names.length / SAMPLE));
  const sample = names.filter((_, i) => i % step === 0).slice(0, SAMPLE);
  const texts = await Promise.all(sample.map((name) => context.readText(join(packageFolder, name, 'INSTALLER'), 100)));
  const counts = new Map<string, number>();
  for (const text of texts) {
    const word = text?.trim().split(/\s/)[0]?.toLowerCase() ?? '';
    if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}
