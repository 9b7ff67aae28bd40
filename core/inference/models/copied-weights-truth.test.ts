import { afterAll, beforeAll, expect, it } from 'vitest';
import { engineSettings } from '../../../contract/inference.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { tinyModel, type TinyModelOptions } from '../../testing/models.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import type { Place } from '../parts.ts';
import { startInference } from '../worker/fixtures/inference-worker.ts';
import { estimateMemory } from './estimate-memory.ts';
import { createModelProbe, type ModelProbe } from './model-probe.ts';
import { readProcessorFeatures } from './processor-features.ts';

/** What is foreseen for this machine's processor against what llama.cpp itself says of its buffers, on real files in a real worker. */
const folder = makeTestFolder('copied-weights');
const cpu: Place = { key: 'cpu', name: 'CPU', kind: 'cpu', freeBytes: 64e9, capacityBytes: 64e9, bandwidth: null, computeCapability: null, unifiedMemory: false };
let supervisor: Supervisor;
let probe: ModelProbe;
beforeAll(() => {
  supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
  probe = createModelProbe({ supervisor, log: silentLogger });
});
afterAll(async () => {
  await probe.stop();
  await supervisor.stopAll();
});

const small = { embeddingLength: 512, feedForward: 1536, heads: 8, kvHeads: 2, headLength: 64, vocabulary: 4000 } as const;
const typed = (name: string, inputEmbedding: string, output: string | null, most: string, fine = most): TinyModelOptions => ({ ...small, fileName: `${name}.gguf`, types: { inputEmbedding, output, layers: [{ most, fine }] } });
/** As llama.cpp says it: `CPU_REPACK model buffer size = 3.38 MiB`. */
const saidBytes = (said: readonly string[], buffer: RegExp): number => said.reduce((total, line) => {
  const [, name = '', size = '0'] = /(\S+) model buffer size =\s*([\d.]{1,20}) MiB/.exec(line) ?? [];
  return buffer.test(name) ? total + Number(size) * 1_048_576 : total;
}, 0);

it.each<[string, TinyModelOptions, { readonly mmap?: boolean }]>([
  ['Q4_0', typed('q4-0', 'Q8_0', null, 'Q4_0'), {}],
  ['Q4_0, not mapped', typed('q4-0', 'Q8_0', null, 'Q4_0'), { mmap: false }],
  ['Q4_0 with its embedding as output', typed('q4-0-tied', 'Q4_0', null, 'Q4_0'), {}],
  ['Q4_0, not mapped, with its embedding as output', typed('q4-0-tied', 'Q4_0', null, 'Q4_0'), { mmap: false }],
  ['Q4_0 with an output of its own', typed('q4-0-output', 'Q4_0', 'Q4_0', 'Q4_0'), {}],
  ['Q4_0 with a vocabulary that is no multiple of 4', { ...typed('q4-0-odd', 'Q4_0', null, 'Q4_0'), vocabulary: 4001 }, {}],
  ['Q4_0, experts', { ...typed('q4-0-experts', 'Q8_0', null, 'Q4_0'), experts: { count: 4, used: 2 } }, {}],
  ['Q4_K_M', typed('q4-k-m', 'Q6_K', null, 'Q4_K', 'Q6_K'), {}],
  ['Q8_0', typed('q8-0', 'Q8_0', 'Q8_0', 'Q8_0'), {}],
  ['IQ4_NL', typed('iq4-nl', 'Q8_0', null, 'IQ4_NL'), {}],
  ['MXFP4', typed('mxfp4', 'Q8_0', null, 'MXFP4'), {}],
  ['Q2_K', typed('q2-k', 'Q6_K', null, 'Q2_K'), {}],
  ['Q5_K', typed('q5-k', 'Q6_K', null, 'Q5_K'), {}],
  ['Q6_K', typed('q6-k', 'Q6_K', 'Q6_K', 'Q6_K'), {}],
  ['F16', typed('f16', 'F16', 'F16', 'F16'), {}],
])('weights of %s: what is held and what of it is a copy, as llama.cpp has it', async (_name, options, settings) => {
  const file = await tinyModel(folder, options);
  const { facts } = await probe.read({ path: file, ofBytes: null });
  if (facts === null) throw new Error(file);
  const wish = engineSettings.parse({ backend: 'cpu', contextTokens: 512, ...settings });
  const { weightsBytes, copiedBytes = 0, reclaimableBytes = 0 } = estimateMemory({ facts, settings: wish, place: cpu, backend: 'cpu', processor: readProcessorFeatures(), lessons: { overheadBytes: null, ownError: null } });
  const worker = startInference(file);
  const { bytes, said } = await worker.load({ contextTokens: 512, ...settings });
  await worker.end();
  // llama.cpp aligns each tensor of its own buffers to 64 bytes, and reports hundredths of a MiB.
  const near = facts.tensors * 64 + 20_000;
  expect(Math.abs(weightsBytes - bytes.weights)).toBeLessThan(near);
  expect(Math.abs(copiedBytes - saidBytes(said, /^(?:CPU_REPACK|AMX)$/))).toBeLessThan(near);
  expect(Math.abs(weightsBytes - copiedBytes - saidBytes(said, /^CPU(?:_Mapped)?$/))).toBeLessThan(near);
  expect(reclaimableBytes).toBeLessThanOrEqual(copiedBytes);
}, 60_000);
