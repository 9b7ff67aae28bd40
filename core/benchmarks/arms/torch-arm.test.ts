import { afterAll, describe, expect, it } from 'vitest';
import type { ChosenToggle } from '../../../contract/optimize.ts';
import type { Arm, ArmSample } from '../parts.ts';
import { asEnvironment, makeArmBench, realTorches, torchWish } from './fixtures/arm-bench.ts';
import { startTorchArm } from './start-torch-arm.ts';

const bench = makeArmBench();
afterAll(() => bench.stop());

interface Measured { readonly facts: Arm['facts']; readonly samples: readonly ArmSample[]; readonly error: number | null }
async function measure(python: string, workload: string, toggles: readonly ChosenToggle[] = [], variables: Readonly<Record<string, string>> = {}): Promise<Measured> {
  const arm = await startTorchArm(torchWish(asEnvironment(python), workload, { toggles, variables: { OMP_NUM_THREADS: '1', ...variables } }), new AbortController().signal, () => undefined, { runScript: bench.runScript, placeName: () => null, codeToggle: (toggle) => toggle, peerOf: () => null });
  try {
    await arm.warmUp(0.3);
    return { facts: arm.facts, samples: [await arm.sample(), await arm.sample()], error: await arm.error() };
  } finally {
    await arm.end();
  }
}
// One thread: other test files want the cores too. A process that imports torch takes seconds where many do.
const PATIENCE_MS = 180_000;
/** Unit roundoff of FP32, 2^-24; sums of k products of it stay far below k of them. */
const U = 2 ** -24;

describe.skipIf(process.platform === 'win32').each(realTorches().map((python) => [/torch-[\d.]+/.exec(python)?.[0] ?? python, python]))('%s on the processor', { timeout: PATIENCE_MS }, (_, python) => {
  it.each([256, 512, 1024])('an FP32 product of %i: plausible times, long enough, and right', async (n) => {
    const { facts, samples, error } = await measure(python, `matmul:dtype=fp32,n=${String(n)}`);
    expect(facts).toMatchObject({ device: 'the processor', unit: 'TFLOPS', workUnit: 'FLOP', workPerRepetition: 2 * n ** 3, matmulPrecision: 'highest', unknown: null });
    for (const { value, startedAtMs, endedAtMs, repetitions, memoryBytes } of samples) {
      expect(memoryBytes).toBeNull();
      expect(endedAtMs - startedAtMs).toBeGreaterThanOrEqual(50);
      expect(Math.abs(endedAtMs - Date.now())).toBeLessThan(120_000);
      // The figure is the work over the time between its own two ends, which hold a little more than what was timed.
      const between = (repetitions * 2 * n ** 3) / ((endedAtMs - startedAtMs) / 1000) / 1e12;
      expect(value / between).toBeGreaterThan(0.999);
      expect(value / between).toBeLessThan(10);
    }
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(n * U);
  });

  it('a block of convolutions, a training step and generation, with their switches', async () => {
    const convolution = 'convolution:channels=8,batch=2,size=8';
    for (const toggles of [[], [{ toggleId: 'channels_last', value: 'on' }, { toggleId: 'onednn', value: 'off' }]]) expect((await measure(python, convolution, toggles)).error).toBeLessThan(1e-4);
    const step = await measure(python, 'training_step:layers=1,width=64,heads=2,vocabulary=256,batch=1,length=16', [{ toggleId: 'fused_optimizer', value: 'foreach' }]);
    expect(step.facts).toMatchObject({ workPerRepetition: 16, workUnit: 'token', unit: 'tok/s' });
    expect(step.error).toBeLessThan(1e-4);
    const generate = 'generate:layers=1,width=64,heads=2,vocabulary=256,prompt=8,tokens=4';
    const plain = await measure(python, generate, [{ toggleId: 'kv_cache', value: 'off' }, { toggleId: 'beams', value: '3' }]);
    expect(plain.facts).toMatchObject({ cache: false, beams: 3 });
    expect((await measure(python, generate)).facts).toMatchObject({ cache: true, beams: 1, workPerRepetition: 4 });
  });
});

const [newest] = realTorches();
describe.skipIf(process.platform === 'win32' || newest === undefined)('the newest torch', { timeout: PATIENCE_MS }, () => {
  const python = newest ?? '';

  it('attention on the processor, with its threads by a switch; every backend agrees with FP64', async () => {
    const { facts, samples, error } = await measure(python, 'cpu_attention:batch=1,heads=4,length=256,dim=32', [{ toggleId: 'threads', value: '1' }]);
    expect(facts).toMatchObject({ threads: 1, workPerRepetition: 2 * 4 * 256 ** 2 * 32 });
    expect(samples[0]?.value).toBeGreaterThan(0);
    expect(error).toBeLessThan(256 * U);
    for (const backend of ['math', 'flash']) expect((await measure(python, `attention:batch=1,heads=2,length=100,dim=32,dtype=fp32,backend=${backend}`)).error).toBeLessThan(256 * U);
  });

  it('less exact types and switches show in the error, exact ones have none', async () => {
    const exact = (await measure(python, 'matmul:n=64')).error ?? Number.NaN;
    const cast = await measure(python, 'matmul:n=64', [{ toggleId: 'autocast', value: 'bf16' }]);
    // BF16 keeps 8 bits: 2^16 times the roundoff of FP32.
    expect((cast.error ?? 0) / exact).toBeGreaterThan(1000);
    expect((await measure(python, 'matmul:dtype=int8,n=64')).error).toBe(0);
    expect((await measure(python, 'copy:bytes=4194304')).error).toBe(0);
    expect((await measure(python, 'triad:bytes=4194304')).error).toBeLessThan(4 * U);
  });

  it('variables reach the process', async () => {
    expect((await measure(python, 'matmul:n=64', [], { OMP_NUM_THREADS: '2', MKL_NUM_THREADS: '2' })).facts['threads']).toBe(2);
  });
});
