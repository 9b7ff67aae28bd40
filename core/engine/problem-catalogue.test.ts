import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeProblem, problemCatalogue, problemCodes } from '../../contract/problem-catalogue.ts';
import { problem } from '../../contract/problem.ts';
import type { Wording } from '../../contract/problems/wording.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function readSources(folder: string): { path: string; text: string }[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    // What was built into a hidden folder names every code and raises none.
    .filter((e) => e.isFile() && /\.tsx?$/.test(e.name) && !/[\\/](\.|node_modules)/.test(e.parentPath.slice(root.length)))
    .map((e) => ({ path: join(e.parentPath, e.name), text: readFileSync(join(e.parentPath, e.name), 'utf8') }));
}
const sources = ['contract', 'core', 'native-workers', 'electron', 'renderer', 'e2e'].flatMap(readSources).filter((f) => !f.path.includes('/problems/') && !f.path.endsWith('problem-catalogue.test.ts'));
const tests = sources.filter((f) => /\.(test|spec)\.tsx?$/.test(f.path));
const code = sources.filter((f) => !tests.includes(f) && !/\/(e2e|testing|fixtures)\//.test(f.path));
/** The code itself, not one that begins with it. */
const names = (text: string, name: string): boolean => new RegExp(`(?<![\\w.])${name.replace('.', '\\.')}(?![\\w.])`).test(text);

describe('the catalogue', () => {
  it.each(problemCodes)('%s has all its texts, in the house style', (name) => {
    const w: Wording = problemCatalogue[name];
    for (const text of [w.title, w.cause, w.remedy]) {
      expect(text.trim().length).toBeGreaterThan(5);
      expect(text).not.toMatch(/!|\bplease\b|\boops\b/i);
    }
    expect(w.title).not.toMatch(/\.$/);
    expect(problem.parse(makeProblem(name)).code).toBe(name);
  });

  it.each(problemCodes)('%s is raised somewhere, and a test runs into it', (name) => {
    expect(code.filter((f) => f.text.includes(`'${name}'`)).map((f) => f.path)).not.toEqual([]);
    expect(tests.filter((f) => names(f.text, name)).map((f) => f.path)).not.toEqual([]);
  });

  it('knows every code that the sources name', () => {
    const named = new Set(code.flatMap((f) => [...f.text.matchAll(/(?:makeProblem|problemError)\(\s*'([\w.]+)'/g)].map((m) => m[1] ?? '')));
    expect([...named].filter((n) => !(problemCodes as string[]).includes(n))).toEqual([]);
  });
});
