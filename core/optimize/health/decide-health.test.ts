import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../contract/inference.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { proofStepName, type Proof, type ProofStep } from '../../../contract/verdict.ts';
import { decideHealth, type HealthFacts } from './decide-health.ts';

const step = (name: ProofStep['name'], more: Partial<ProofStep> = {}): ProofStep => ({ name, state: 'passed', error: null, tolerance: null, tookMs: 1, text: null, ...more });
const proof = (changes: Partial<Record<ProofStep['name'], Partial<ProofStep>>> = {}, more: Partial<Proof> = {}): Proof => ({
  id: 'p', environmentId: 'e', gpuKey: 'GPU-1', gpuName: 'RTX 5090', atMs: 1000, tookMs: 1, torchVersion: '2.8.0+cu128', driverVersion: '580.1', works: true, predicted: 'native', agrees: true, problem: null,
  steps: proofStepName.options.map((name) => step(name, changes[name])), ...more,
});
const backend = (state: Backend['trial']['state'], more: Partial<Backend> = {}): Backend => ({ id: 'cuda', kind: 'cuda', release: 'b9000', path: null, sass: [], ptx: [], runtime: [], devices: [], trial: { state, atMs: state === 'works' || state === 'fails' ? 2000 : null, seconds: null, detail: state === 'fails' ? 'aborted' : null, problem: null }, chosen: state === 'works', why: 'It has kernels for this GPU.', ...more });
const base: HealthFacts = {
  place: { key: 'GPU-1', name: 'RTX 5090' }, driver: { version: '580.1', cudaVersion: '13.0', problem: null, simulated: false, devices: 1, atMs: 3000 },
  environment: { name: 'chat', torch: '2.8.0+cu128', build: 'cuda', cuda: '12.8' }, proof: proof(), backends: [backend('works')],
};
const states = (facts: HealthFacts): Record<string, string> => Object.fromEntries(decideHealth(facts).map((one) => [one.id, one.state]));
const one = (facts: HealthFacts, id: string) => decideHealth(facts).find((each) => each.id === id);
const all = (state: string): Record<string, string> => ({ torch: state, cuda: state, cudnn: state, attention: state, compile: state });

describe('health', () => {
  test('proved: all works, with the time of its proof', () => {
    expect(states(base)).toEqual({ driver: 'works', ...all('works'), llama: 'works' });
    expect(one(base, 'attention')).toMatchObject({ detail: 'Works: math, memory-efficient, flash, cuDNN.', provedAtMs: 1000 });
    expect(one(base, 'llama')).toMatchObject({ provedAtMs: 2000 });
  });

  test.each<[string, Partial<HealthFacts>, Record<string, string>]>([
    ['no environment', { environment: null, proof: null }, all('absent')],
    ['never proved', { proof: null }, all('unproved')],
    ['another torch since', { environment: { name: 'chat', torch: '2.9.0+cu128', build: 'cuda', cuda: '12.8' } }, all('unproved')],
    ['another driver since', { driver: { ...base.driver, version: '590.1' } }, all('unproved')],
    ['a CPU build', { environment: { name: 'chat', torch: '2.8.0+cpu', build: 'cpu', cuda: null }, proof: null }, { torch: 'unproved', cuda: 'absent', cudnn: 'absent', attention: 'absent', compile: 'absent' }],
    ['the processor chosen', { place: { key: 'cpu', name: 'Processor' } }, { torch: 'works', cuda: 'absent', compile: 'absent' }],
    ['no driver', { driver: { version: null, cudaVersion: null, problem: makeProblem('gpu.no_driver'), simulated: false, devices: 0, atMs: 1 } }, { driver: 'absent' }],
    ['a driver in trouble', { driver: { ...base.driver, problem: makeProblem('gpu.version_mismatch') } }, { driver: 'fails' }],
    ['simulated GPUs', { driver: { ...base.driver, simulated: true } }, { driver: 'absent' }],
    ['import fails', { proof: proof({ import: { state: 'failed', text: 'ImportError: x' } }) }, { torch: 'fails' }],
    ['CUDA hangs', { proof: proof({ context: { state: 'hung' }, convolution: { state: 'skipped' } }) }, { torch: 'works', cuda: 'fails', cudnn: 'unproved' }],
    ['wrong digits', { proof: proof({ matmul_fp32: { state: 'wrong' } }) }, { cuda: 'fails' }],
    ['no triton', { proof: proof({ compile: { state: 'not_offered', text: 'triton is not installed' } }) }, { compile: 'absent' }],
    ['one kernel fails', { proof: proof({ attention_flash: { state: 'crashed' } }) }, { attention: 'fails' }],
    ['only the plain kernel', { proof: proof({ attention_efficient: { state: 'not_offered' }, attention_flash: { state: 'not_offered' }, attention_cudnn: { state: 'not_offered' } }) }, { attention: 'unproved' }],
    ['no llama.cpp', { backends: [] }, { llama: 'absent' }],
    ['llama.cpp untried', { backends: [backend('untried')] }, { llama: 'unproved' }],
    ['llama.cpp aborts', { backends: [backend('fails'), backend('missing', { id: 'vulkan' })] }, { llama: 'fails' }],
    ['one of two aborts', { backends: [backend('fails'), backend('works', { id: 'cpu', kind: 'cpu', chosen: true })] }, { llama: 'works' }],
  ])('%s', (_, more, expected) => {
    expect(states({ ...base, ...more })).toMatchObject(expected);
  });
});
