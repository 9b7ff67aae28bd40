import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MemoryEstimate } from '../../../contract/models.ts';
import type { LoadedModel } from '../../../contract/inference.ts';
import { decideFolders, decideOwnFolder, type FolderQuestion } from './decide-folders.ts';
import { withUnloads } from './decide-outlook.ts';
import { nameOf } from './describe-model.ts';

const question: FolderQuestion = { env: {}, home: '/home/u', platform: 'linux', dataFolder: '/data', settings: { modelFolders: [], downloadFolder: null }, lmStudioHome: null };

describe('folders', () => {
  it('ours first, then those of other programs', () => {
    expect(decideFolders(question).map((f) => [f.home, f.path])).toEqual([
      ['warpdeck', join('/data', 'models')], ['lm_studio', join('/home/u', '.lmstudio', 'models')], ['lm_studio', join('/home/u', '.cache', 'lm-studio', 'models')],
      ['ollama', join('/home/u', '.ollama', 'models')], ['ollama', '/usr/share/ollama/.ollama/models'], ['ollama', '/var/lib/ollama/models'], ['hugging_face', join('/home/u', '.cache', 'huggingface', 'hub')],
    ]);
  });
  it('where their variables say, and each once', () => {
    const env = { OLLAMA_MODELS: '/big/ollama', HF_HOME: '/big/hf', WARPDECK_MODELS_DIR: '/big/own' };
    const paths = decideFolders({ ...question, env, lmStudioHome: '/big/lm', settings: { modelFolders: ['/mine', '/big/own', '/mine'], downloadFolder: '/downloads' } }).map((f) => f.path);
    expect(paths).toEqual(expect.arrayContaining(['/big/ollama', join('/big/hf', 'hub'), '/big/own', join('/data', 'models'), join('/big/lm', 'models'), '/mine']));
    expect(new Set(paths).size).toBe(paths.length);
  });
  it.each<[Partial<FolderQuestion>, string | null]>([
    [{}, join('/data', 'models')], [{ env: { WARPDECK_MODELS_DIR: '/env' } }, '/env'], [{ settings: { modelFolders: [], downloadFolder: '/set' } }, '/set'],
    [{ env: { WARPDECK_MODELS_DIR: '/env' }, settings: { modelFolders: [], downloadFolder: '/set' } }, '/env'], [{ dataFolder: null }, null],
  ])('downloads go to %j', (change, path) => { expect(decideOwnFolder({ ...question, ...change })).toBe(path); });
});

it.each([
  ['/m/SmolLM2-135M-Instruct.Q4_1.gguf', 'SmolLM2-135M-Instruct'], ['/m/Llama-3.3-70B-Instruct-Q4_K_M-00001-of-00003.gguf', 'Llama-3.3-70B-Instruct'], ['/m/gpt-oss-20b-mxfp4.gguf', 'gpt-oss-20b'],
  ['/m/Qwen3-4B-UD-IQ2_XXS.gguf', 'Qwen3-4B'], ['C:\\m\\gemma-3-4b-it-BF16.GGUF', 'gemma-3-4b-it'], ['/m/model-f16.gguf', 'model'], ['/m/Q4_0.gguf', 'Q4_0'], ['/m/Phi-4.gguf', 'Phi-4'],
])('%s is called %s', (path, name) => { expect(nameOf(path)).toBe(name); });

describe('what would have to go first', () => {
  const estimate: MemoryEstimate = { place: 'G', placeName: 'G', contextTokens: 1, gpuLayers: 1, layers: 1, weightsBytes: 0, cacheBytes: 0, workBytes: 0, overheadBytes: 0, totalBytes: 10e9, hostBytes: 0, freeBytes: 4e9, capacityBytes: 24e9, verdict: 'does_not_fit', unload: [], layersThatFit: null, contextThatFits: null, ownError: null };
  const held = (id: string, gigabytes: number, lastUsedAtMs: number, more: Partial<LoadedModel> = {}): LoadedModel => ({
    id, modelId: id, name: id, quantisation: '', state: 'ready', progress: null, settings: { backend: 'auto', devices: [], gpuLayers: null, contextTokens: null, batch: null, threads: null, flashAttention: 'auto', cacheTypeK: 'f16', cacheTypeV: 'f16', mmap: true, mlock: false, parallel: 1, draftModel: null, draftTokens: 8, checkTensors: null },
    backendId: null, release: null, contextTokens: null, flashAttention: null, threads: null, template: null, pid: null, bytes: null, loadedAtMs: null, loadSeconds: null, lastUsedAtMs, unloadsAtMs: null, requestsActive: 0, requestsQueued: 0, tokensPerSecondNow: null, tokensPerSecondAverage: null, contextUsed: null, restarts: 0, problem: null,
    truth: { verdict: 'on_gpu', colour: 'green', title: '', sentence: '', backend: 'cuda', layersOnGpu: 1, layers: 1, placed: [{ uuid: 'G', name: 'G', bytes: gigabytes * 1e9, layers: 1 }], checks: [], problem: null, atMs: 0 }, ...more,
  });
  it.each<[string, LoadedModel[], string, string[]]>([
    ['the one that was used longest ago', [held('new', 8, 9), held('old', 7, 1)], 'fits_after_unload', ['old']],
    ['two, where one is not enough', [held('a', 4, 1), held('b', 4, 2)], 'fits_after_unload', ['a', 'b']],
    ['nothing, where all is not enough', [held('a', 2, 1)], 'does_not_fit', []],
    ['nothing that is busy', [held('a', 20, 1, { requestsActive: 1 })], 'does_not_fit', []],
  ])('%s', (_name, loaded, verdict, unload) => { expect(withUnloads(estimate, loaded)).toMatchObject({ verdict, unload }); });
  it('nothing, where it fits', () => { expect(withUnloads({ ...estimate, verdict: 'fits', freeBytes: 20e9 }, [held('a', 8, 1)]).unload).toEqual([]); });
});
