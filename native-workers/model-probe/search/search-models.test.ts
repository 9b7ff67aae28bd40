import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelSearchResult } from '../../../contract/model-probe.ts';
import type { ModelHome } from '../../../contract/models.ts';
import { makeTestFolder } from '../../../core/testing/test-folder.ts';
import { searchModels } from './search-models.ts';

const put = (path: string, content = 'GGUF'): string => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
};
const search = (...folders: [path: string, home: ModelHome][]): Promise<ModelSearchResult> => searchModels({ folders: folders.map(([path, home]) => ({ path, home })) }, () => undefined);
const foundIn = (result: ModelSearchResult, root: string): Record<string, string | null> => Object.fromEntries(result.folders.flatMap((folder) => folder.found.map((one) => [relative(root, one.files[0]?.path ?? ''), one.label])));

describe('layouts of other programs', () => {
  it('LM Studio: publisher, repository, file; what sees pictures is no model of its own', async () => {
    const root = makeTestFolder('lm-studio');
    put(join(root, 'bartowski', 'Llama-3.2-1B-Instruct-GGUF', 'Llama-3.2-1B-Instruct-Q4_K_M.gguf'));
    put(join(root, 'ggml-org', 'gemma-3-4b-it-GGUF', 'gemma-3-4b-it-Q4_K_M.gguf'));
    put(join(root, 'ggml-org', 'gemma-3-4b-it-GGUF', 'mmproj-model-f16.gguf'));
    put(join(root, 'ggml-org', 'gemma-3-4b-it-GGUF', 'README.md'));
    put(join(root, 'loose.gguf'));
    expect(foundIn(await search([root, 'lm_studio']), root)).toEqual({
      'bartowski/Llama-3.2-1B-Instruct-GGUF/Llama-3.2-1B-Instruct-Q4_K_M.gguf': 'bartowski/Llama-3.2-1B-Instruct-GGUF',
      'ggml-org/gemma-3-4b-it-GGUF/gemma-3-4b-it-Q4_K_M.gguf': 'ggml-org/gemma-3-4b-it-GGUF',
      'loose.gguf': null,
    });
  });

  it('Ollama: manifests name blobs, which are used in place; nothing but a digest becomes a path', async () => {
    const root = makeTestFolder('ollama');
    const hash = (letter: string): string => `sha256:${letter.repeat(64)}`;
    const manifest = (path: string, digest: string, size = 4): void => {
      put(join(root, 'manifests', path), JSON.stringify({ schemaVersion: 2, config: {}, layers: [{ mediaType: 'application/vnd.ollama.image.template', digest: hash('f'), size: 1 }, { mediaType: 'application/vnd.ollama.image.model', digest, size }] }));
    };
    for (const letter of ['a', 'b', 'c']) put(join(root, 'blobs', `sha256-${letter.repeat(64)}`));
    manifest('registry.ollama.ai/library/qwen3/8b', hash('a'));
    manifest('registry.ollama.ai/someone/own/latest', hash('b'));
    manifest('hf.co/bartowski/Llama-GGUF/Q4_K_M', hash('c'));
    manifest('registry.ollama.ai/library/gone/latest', hash('d'));
    manifest('registry.ollama.ai/library/evil/latest', 'sha256:../../../../etc/passwd');
    put(join(root, 'manifests/registry.ollama.ai/library/noise/latest'), '{');
    put(join(root, 'manifests/stray'), '{}');
    const { folders: [folder] } = await search([root, 'ollama']);
    expect(folder?.found.map((one) => [one.label, one.name, relative(root, one.files[0]?.path ?? ''), one.problems.map((p) => p.code)]).sort()).toEqual([
      ['gone:latest', 'gone', `blobs/sha256-${'d'.repeat(64)}`, ['model.parts_missing']],
      ['hf.co/bartowski/Llama-GGUF:Q4_K_M', 'Llama-GGUF:Q4_K_M', `blobs/sha256-${'c'.repeat(64)}`, []],
      ['qwen3:8b', 'qwen3:8b', `blobs/sha256-${'a'.repeat(64)}`, []],
      ['someone/own:latest', 'own', `blobs/sha256-${'b'.repeat(64)}`, []],
    ]);
    manifest('registry.ollama.ai/library/half/latest', hash('c'), 1000);
    const half = (await search([root, 'ollama'])).folders[0]?.found.find((one) => one.label === 'half:latest' || one.label?.startsWith('hf.co'));
    expect(half).toBeDefined();
  });

  it('Hugging Face cache: snapshots are links to blobs; of several the newest, and each file once', async () => {
    const root = makeTestFolder('hugging-face');
    const repository = join(root, 'models--Qwen--Qwen3-0.6B-GGUF');
    put(join(repository, 'blobs', 'abc'));
    put(join(repository, 'refs', 'main'), 'rev2');
    for (const revision of ['rev1', 'rev2']) {
      mkdirSync(join(repository, 'snapshots', revision), { recursive: true });
      symlinkSync('../../blobs/abc', join(repository, 'snapshots', revision, 'Qwen3-0.6B-Q8_0.gguf'));
    }
    symlinkSync('../../blobs/missing', join(repository, 'snapshots', 'rev2', 'Qwen3-0.6B-Q4_0.gguf'));
    expect(foundIn(await search([root, 'hugging_face']), root)).toEqual({ 'models--Qwen--Qwen3-0.6B-GGUF/snapshots/rev2/Qwen3-0.6B-Q8_0.gguf': 'Qwen/Qwen3-0.6B-GGUF' });
  });
});

describe('parts of a split model', () => {
  it('are one model; those that are missing are named', async () => {
    const root = makeTestFolder('split');
    for (const part of [1, 2, 3]) put(join(root, `whole-Q4_K_M-0000${part}-of-00003.gguf`), 'x'.repeat(part));
    put(join(root, 'cut-00001-of-00003.gguf'));
    put(join(root, 'cut-00003-of-00003.gguf'));
    put(join(root, 'odd-00007-of-00003.gguf'));
    const { folders: [folder] } = await search([root, 'folder']);
    expect(folder?.found.map((one) => [one.files.map((file) => [relative(root, file.path), file.bytes]), one.problems])).toEqual([
      [[['odd-00007-of-00003.gguf', 4]], []],
      [[['cut-00001-of-00003.gguf', 4], ['cut-00003-of-00003.gguf', 4]], [expect.objectContaining({ code: 'model.parts_missing', facts: { path: join(root, 'cut-00001-of-00003.gguf'), missing: 1, of: 3, example: 'cut-00002-of-00003.gguf' } })]],
      [[['whole-Q4_K_M-00001-of-00003.gguf', 1], ['whole-Q4_K_M-00002-of-00003.gguf', 2], ['whole-Q4_K_M-00003-of-00003.gguf', 3]], []],
    ]);
  });

  it('are found by any one of them, and nothing beside them', async () => {
    const root = makeTestFolder('one-part');
    for (const part of [1, 2]) put(join(root, `m-0000${part}-of-00002.gguf`));
    put(join(root, 'other.gguf'));
    put(join(root, 'below', 'm-00001-of-00002.gguf'));
    const { folders: [folder] } = await search([join(root, 'm-00002-of-00002.gguf'), 'folder']);
    expect(folder?.found.map((one) => one.files.map((file) => relative(root, file.path)))).toEqual([['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf']]);
    expect((await search([join(root, 'other.gguf'), 'folder'])).folders[0]?.found).toHaveLength(1);
  });
});

describe('folders that are hard to search', () => {
  it('loops of links, pipes, dangling links, hidden folders and folders named like models', async () => {
    const root = makeTestFolder('loops');
    put(join(root, 'a', 'model.gguf'));
    symlinkSync(root, join(root, 'a', 'back'));
    symlinkSync(join(root, 'a'), join(root, 'again'));
    symlinkSync(join(root, 'nowhere'), join(root, 'dangling.gguf'));
    execFileSync('mkfifo', [join(root, 'pipe.gguf')]);
    put(join(root, '.trash', 'old.gguf'));
    mkdirSync(join(root, 'folder.gguf'));
    put(join(root, 'folder.gguf', 'inside.gguf'));
    linkSync(join(root, 'a', 'model.gguf'), join(root, 'second-name.gguf'));
    const { folders: [folder] } = await search([root, 'folder']);
    expect(folder?.problem).toBeNull();
    expect(folder?.found.map((one) => relative(root, one.files[0]?.path ?? '')).sort()).toEqual(['a/model.gguf', 'folder.gguf/inside.gguf']);
  });

  it('too deep a tree ends, and links are followed to where a big disk is', async () => {
    const root = makeTestFolder('deep');
    put(join(root, ...Array.from({ length: 30 }, () => 'd'), 'deep.gguf'));
    put(join(root, ...Array.from({ length: 5 }, () => 'd'), 'fair.gguf'));
    const disk = makeTestFolder('disk');
    put(join(disk, 'models', 'far.gguf'));
    symlinkSync(join(disk, 'models'), join(root, 'link'));
    expect(Object.keys(foundIn(await search([root, 'folder']), root)).sort()).toEqual(['d/d/d/d/d/fair.gguf', 'link/far.gguf']);
  });

  it('more files than anybody has are not listed to the end, and it is said', async () => {
    const root = makeTestFolder('many');
    for (let i = 0; i < 2100; i++) put(join(root, `${i}.gguf`), '');
    const { folders: [folder] } = await search([root, 'folder']);
    expect(folder?.found).toHaveLength(2000);
    expect(folder?.problem).toMatchObject({ code: 'model.folder_unreadable', cause: expect.stringContaining('more than 2000 model files') as string });
  });

  it('a folder that is not there, or may not be read, is a Problem of that folder alone', async () => {
    const root = makeTestFolder('unreadable');
    put(join(root, 'good', 'a.gguf'));
    const result = await search([join(root, 'missing'), 'folder'], [join(root, 'good'), 'folder']);
    expect(result.folders.map((folder) => [folder.problem?.code ?? null, folder.found.length])).toEqual([['model.folder_unreadable', 0], [null, 1]]);
    if (process.getuid?.() === 0) return;
    chmodSync(join(root, 'good'), 0);
    expect((await search([join(root, 'good'), 'folder'])).folders[0]?.problem).toMatchObject({ code: 'model.folder_unreadable' });
    chmodSync(join(root, 'good'), 0o755);
  });

  it('a file that lies in two folders is listed in the first', async () => {
    const root = makeTestFolder('twice');
    put(join(root, 'a', 'm.gguf'));
    const result = await search([join(root, 'a'), 'warpdeck'], [root, 'folder']);
    expect(result.folders.map((folder) => folder.found.length)).toEqual([1, 0]);
    renameSync(join(root, 'a', 'm.gguf'), join(root, 'm.gguf'));
    truncateSync(join(root, 'm.gguf'), 2);
    expect((await search([join(root, 'a'), 'warpdeck'], [root, 'folder'])).folders.map((folder) => folder.found.map((one) => one.files[0]?.bytes))).toEqual([[], [2]]);
  });
});
