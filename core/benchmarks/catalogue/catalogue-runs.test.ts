import { afterAll, describe, expect, it } from 'vitest';
import { asEnvironment, makeArmBench, realTorches } from '../arms/fixtures/arm-bench.ts';
import { parseLlamaWorkload } from '../arms/start-llama-arm.ts';
import { parseTorchWorkload } from '../arms/parse-workload.ts';
import { startTorchArm } from '../arms/start-torch-arm.ts';
import { noReadings } from '../runner/fixtures/make-test-benchmarks.ts';
import { runCase } from '../runner/run-case.ts';
import { canaryRecipe } from './canary-recipe.ts';
import { catalogue } from './catalogue.ts';

const cases = [...catalogue, canaryRecipe].flatMap((recipe) => recipe.cases.map((one) => ({ ...one, name: `${recipe.name} ${one.id}` })));

it.each(cases)('$name is a workload that the arm knows', ({ engine, workload }) => {
  expect(engine === 'llama' ? parseLlamaWorkload(workload) : parseTorchWorkload(workload)).toMatchObject({ ok: true });
});

const [python] = realTorches();
describe.skipIf(python === undefined)('with a real torch', () => {
  const bench = makeArmBench();
  afterAll(() => bench.stop());
  const small = ['matmul fp32-512', 'matmul fp64-512', 'bandwidth triad-256-mib', 'attention cpu-512'];
  it.each(cases.filter(({ name }) => small.includes(name)))('$name is measured on the processor, and counts the same work', async (recipe) => {
    const abort = new AbortController();
    const arm = await startTorchArm({ workload: recipe.workload, place: 'cpu', environment: asEnvironment(python ?? ''), model: null, toggles: [], variables: {} }, abort.signal, () => undefined, { runScript: bench.runScript, placeName: () => null, codeToggle: (toggle) => toggle, peerOf: () => null });
    try {
      expect(arm.facts).toMatchObject({ unit: recipe.unit, workPerRepetition: recipe.workPerRepetition });
      const { result, samples } = await runCase(arm, noReadings, { recipe, place: 'cpu', budgetSeconds: 0.5, warmUpSeconds: 0.2, peak: null, signal: abort.signal, progress: () => undefined });
      console.info(`${recipe.name}: ${result.median} ${result.unit}, ${result.n} samples, error ${result.error}`);
      expect(result.median ?? 0).toBeGreaterThan(0);
      expect(samples.length).toBeGreaterThan(0);
      // The unit is what it says: work over time, within what a sample spends on asking and answering.
      const scale = recipe.unit === 'TFLOPS' ? 1e12 : 1e9;
      for (const one of samples) expect((one.value * scale * one.seconds) / recipe.workPerRepetition).toBeGreaterThan(0.9);
    } finally {
      await arm.end();
      abort.abort();
    }
  }, 120_000);
});
