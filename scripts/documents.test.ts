import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'DECISIONS.md', 'CHANGELOG.md'];
const packageJson = JSON.parse(read('package.json')) as { version: string; scripts: Record<string, string> };

describe('the documents', () => {
  it.each(documents)('%s names only paths that exist', (name) => {
    const text = read(name);
    const folders = 'contract|core|native-workers|electron|renderer|e2e|bin|scripts|resources|docs';
    const inCode = [...text.matchAll(new RegExp(`\`((?:${folders})/[^\`\\s]*)\``, 'g'))].map((m) => m[1] ?? '');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((m) => m[1] ?? '');
    // A name in capitals stands for any.
    const missing = [...inCode, ...links].filter((path) => !/[A-Z]{4}/.test(path.replace(/^[A-Z]+\.md$/, '')) && !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });

  it.each(documents)('%s names only scripts that exist', (name) => {
    const named = [...read(name).matchAll(/npm run ([\w:]+)/g)].map((m) => m[1] ?? '');
    expect(named.filter((script) => !(script in packageJson.scripts))).toEqual([]);
  });
});

it('all parts say the version of package.json', () => {
  const version = (path: string): string => /VERSION = '([^']+)'/.exec(read(path))?.[1] ?? '';
  expect(version('core/system/version.ts')).toBe(packageJson.version);
  expect(version('renderer/app/version.ts')).toBe(packageJson.version);
});
