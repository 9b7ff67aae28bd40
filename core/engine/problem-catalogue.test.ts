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
    .filter((e) => e.isFile() && /\.(ts|tsx|mjs|c)$/.test(e.name))
    .map((e) => ({ path: join(e.parentPath, e.name), text: readFileSync(join(e.parentPath, e.name), 'utf8') }));
}
const sources = ['contract', 'core', 'native-workers', 'electron', 'renderer', 'e2e'].flatMap(readSources).filter((f) => !f.path.includes('/problems/') && !f.path.endsWith('problem-catalogue.test.ts'));
const code = sources.filter((f) => !/\.test\.tsx?$/.test(f.path) && !f.path.includes('/e2e/'));
const tests = sources.filter((f) => /\.(test|spec)\.tsx?$/.test(f.path) || f.path.includes('/e2e/'));

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
    expect(tests.filter((f) => f.text.includes(name)).map((f) => f.path)).not.toEqual([]);
  });

  it('knows every code that the sources name', () => {
    const named = new Set(code.flatMap((f) => [...f.text.matchAll(/(?:makeProblem|problemError)\(\s*'([\w.]+)'/g)].map((m) => m[1] ?? '')));
    expect([...named].filter((n) => !(problemCodes as string[]).includes(n))).toEqual([]);
  });
});
