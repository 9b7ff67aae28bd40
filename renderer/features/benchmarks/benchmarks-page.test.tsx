import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { ProblemError } from '../../../contract/problem.ts';
import { AppProvider } from '../../app/context.tsx';
import { BenchmarksPage } from './benchmarks-page.tsx';
import { decodeRuns, giveBrowser, makeApp, makeCanary, makeComparison, makeDecode, makeEngine, makeJob, makeMatmul, makeResult, makeRow, makeRun, NOW, places, type TestApp, type TestEngine } from './test-support.tsx';

let engine: TestEngine;
let app: TestApp;
beforeEach(() => {
  giveBrowser(900);
  engine = makeEngine();
  app = makeApp(engine);
  location.hash = '';
});
afterEach(() => {
  cleanup();
  engine.clock.stop();
});

const show = async (section: string | null): Promise<ReturnType<typeof render>> => {
  const shown = render(<AppProvider app={app}><BenchmarksPage section={section} /></AppProvider>);
  await engine.settle();
  return shown;
};
const bandwidth = () => makeRun('bandwidth', places.a, [makeResult('bandwidth', 'copy-1-gib', 1538, 4)]);

describe('the page', () => {
  it('without any run says what would be measured, and begins', async () => {
    engine.runs.send([]);
    engine.canary.send(makeCanary({ state: 'never', atMs: null, because: null, place: null, rows: [], sentence: 'This machine has not been checked yet.' }));
    await show(null);
    expect(screen.getByRole('heading', { name: 'Matrix multiplication has not been measured yet' })).toBeTruthy();
    expect(screen.getByText('Never checked')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Export' })).toHaveProperty('disabled', true);
    fireEvent.click(screen.getByRole('button', { name: 'Measure Matrix multiplication…' }));
    expect(screen.getByRole('dialog', { name: 'Run a benchmark' })).toBeTruthy();
  });

  it('says that the engine does not tell what can be measured', async () => {
    engine.answer('benchmarks.list', new ProblemError(makeProblem('bench.storage', { path: 'runs', detail: 'no room' })));
    await show(null);
    expect(screen.getByRole('alert').textContent).toContain('Results cannot be stored');
  });

  it('has the figures as a table, with intervals, shares, marks and what could not run', async () => {
    engine.runs.send([makeMatmul('a'), makeMatmul('b'), makeMatmul('c'), bandwidth()]);
    const { container } = await show('matmul');
    const table = screen.getByRole('table', { name: 'Matrix multiplication, TFLOPS' });
    expect(within(table).getAllByRole('rowheader').map((h) => h.textContent)).toEqual(['FP32', 'TF32', 'BF16', 'FP16', 'FP8']);
    const rows = within(table).getAllByRole('row').slice(1);
    expect(rows).toHaveLength(15);
    expect(rows[6]?.textContent).toMatch(/RTX 5090234\.9 ± 2\.0 TFLOPS112% of peakpower cap/);
    expect(within(rows[14] ?? table).getByRole('note').getAttribute('aria-label')).toContain('this PyTorch has no kernel');
    expect(container.querySelectorAll('.btrack .recharts-bar-rectangle path').length).toBe(14);
    expect(container.querySelectorAll('.btrack .recharts-errorBar').length).toBeGreaterThanOrEqual(14);
    fireEvent.click(screen.getByRole('button', { name: '2048³' }));
    expect(within(screen.getByRole('table', { name: 'Matrix multiplication, TFLOPS' })).getAllByRole('row')).toHaveLength(4);
  });

  it('shows what stands behind a figure when it has the focus', async () => {
    engine.runs.send([makeMatmul('a')]);
    const { container } = await show('matmul');
    const figure = container.querySelectorAll<HTMLElement>('.figure')[2];
    act(() => figure?.focus());
    expect(screen.getByRole('tooltip').textContent).toContain('48 samples');
    expect(screen.getByRole('tooltip').textContent).toContain('The power limit held the clock down');
  });

  it('fills in while it is measured', async () => {
    const whole = makeMatmul('a');
    const begun = { ...whole, state: 'running' as const, endedAtMs: null, results: [] };
    engine.runs.send([begun]);
    app.setJobs([makeJob()]);
    await show('matmul');
    expect(screen.getByText('The first figure is being measured.')).toBeTruthy();
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('37');
    expect(screen.getByRole('region', { name: 'Running benchmark' }).textContent).toContain('74 s left');
    engine.runs.send([{ ...begun, results: whole.results.slice(0, 2) }]);
    await engine.settle();
    expect(within(screen.getByRole('table', { name: 'Matrix multiplication, TFLOPS' })).getAllByRole('rowheader')).toHaveLength(2);
    fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(app.jobs.getState()).toMatchObject({ cancelled: ['j1'] });
    engine.runs.send([whole]);
    app.setJobs([]);
    await engine.settle();
    expect(within(screen.getByRole('table', { name: 'Matrix multiplication, TFLOPS' })).getAllByRole('rowheader')).toHaveLength(5);
    expect(screen.queryByRole('progressbar')).toBeNull();
  });

  it('a run that failed says why, and offers only what it knows', async () => {
    const problem = { ...makeProblem('bench.no_torch', { detail: 'No environment has it.' }), actions: [{ kind: 'open' as const, label: 'Show environments', place: 'environments' }, { kind: 'call' as const, label: 'Erase all', operation: 'engine.stop', input: {} }] };
    engine.runs.send([makeRun('matmul', places.a, [], { state: 'failed', problem })]);
    await show('matmul');
    expect(screen.getByRole('alert').textContent).toContain('There is no PyTorch to measure with');
    expect(screen.getByRole('link', { name: 'Show environments' }).getAttribute('href')).toBe('#/environments');
    expect(screen.queryByRole('button', { name: 'Erase all' })).toBeNull();
  });

  it('reads a run that only its address names', async () => {
    const run = makeMatmul('c');
    engine.runs.send([]);
    engine.answer('benchmarks.get', { ...run, samples: {} });
    await show(run.id);
    await engine.settle();
    expect(engine.inputsOf('benchmarks.get')).toEqual([{ id: run.id, samples: false }]);
    expect(screen.getByRole('table', { name: 'Matrix multiplication, TFLOPS' }).textContent).toContain('H100 PCIe');
  });
});

describe('running one', () => {
  const begin = async (): Promise<HTMLElement> => {
    engine.runs.send([makeMatmul('a')]);
    await show('matmul');
    fireEvent.click(screen.getByRole('button', { name: /^Run…/ }));
    return screen.getByRole('dialog', { name: 'Run a benchmark' });
  };
  it('asks for cases, place, environment and time, and starts a job', async () => {
    engine.answer('benchmarks.run', makeJob());
    const dialog = await begin();
    fireEvent.change(within(dialog).getByLabelText('Place'), { target: { value: places.b.key } });
    expect(within(within(dialog).getByLabelText('Environment')).getAllByRole('option').map((o) => o.textContent)).toEqual(['The best one for the place', 'nightly, torch 2.8.0+cu128', 'old, torch 1.13.1+cu117, incompatible']);
    fireEvent.change(within(dialog).getByLabelText('Environment'), { target: { value: 'e1' } });
    const seconds = within(dialog).getByLabelText('Seconds for a case');
    fireEvent.change(seconds, { target: { value: '4' } });
    fireEvent.blur(seconds);
    fireEvent.click(within(dialog).getByLabelText('All that fit the place'));
    expect(within(dialog).getByRole('button', { name: 'Run' })).toHaveProperty('disabled', true);
    fireEvent.click(within(dialog).getByLabelText('BF16 8192³'));
    fireEvent.click(within(dialog).getByRole('button', { name: 'Run' }));
    await engine.settle();
    expect(engine.inputsOf('benchmarks.run')).toEqual([{ name: 'matmul', cases: ['bf16-8192'], place: places.b.key, environmentId: 'e1', modelId: null, caseSeconds: 4 }]);
    expect(screen.queryByRole('dialog')).toBeNull();
  });
  it('a model instead of an environment where llama.cpp measures', async () => {
    engine.answer('benchmarks.run', makeJob());
    const dialog = await begin();
    fireEvent.change(within(dialog).getByLabelText('Benchmark to run'), { target: { value: 'llm' } });
    expect(within(dialog).queryByLabelText('Environment')).toBeNull();
    fireEvent.change(within(dialog).getByLabelText('Model'), { target: { value: 'm1' } });
    fireEvent.click(within(dialog).getByRole('button', { name: 'Run' }));
    await engine.settle();
    expect(engine.inputsOf('benchmarks.run')).toEqual([{ name: 'llm', cases: null, place: null, environmentId: null, modelId: 'm1', caseSeconds: null }]);
  });
  it('stays open with the reason when the engine refuses', async () => {
    engine.answer('benchmarks.run', new ProblemError(makeProblem('bench.busy', { title: 'Attention', place: 'RTX 5090' })));
    const dialog = await begin();
    fireEvent.click(within(dialog).getByRole('button', { name: 'Run' }));
    await engine.settle();
    expect(dialog.textContent).toContain('"Attention" runs on RTX 5090');
  });
});

describe('roofline, history, comparison', () => {
  it('the roofline says its roofs and points in a table, and what is missing for one', async () => {
    engine.runs.send([makeMatmul('a'), makeMatmul('b'), bandwidth()]);
    const { container } = await show('matmul');
    const panel = screen.getByRole('region', { name: 'Roofline' });
    expect(panel.textContent).toContain('measured roofs, BF16');
    expect(panel.textContent).toContain('RTX 4090: the memory has not been measured');
    const rows = within(within(panel).getByRole('table', { name: 'Points of the roofline' })).getAllByRole('row').map((r) => r.textContent);
    expect(rows[1]).toBe('RTX 5090Matrix multiplication, BF16 8192³2,731235100 %');
    expect(container.querySelectorAll('.b-roof .recharts-reference-line-line').length).toBe(2);
    expect(container.querySelectorAll('.b-roof .recharts-scatter-symbol').length).toBe(4);
    fireEvent.change(within(panel).getByLabelText('Precision of the roofline'), { target: { value: 'fp32' } });
    expect(panel.textContent).toContain('measured roofs, FP32');
    fireEvent.click(within(panel).getByRole('button', { name: 'Measure Memory bandwidth…' }));
    expect(screen.getByLabelText('Benchmark to run')).toHaveProperty('value', 'bandwidth');
  });

  it('the history has its changes, and the engine says which side is better', async () => {
    const runs = decodeRuns();
    engine.runs.send(runs);
    engine.answer('benchmarks.compare', (input: { a: string; b: string }) => {
      const [a, b] = [runs.find((r) => r.id === input.a), runs.find((r) => r.id === input.b)];
      if (a === undefined || b === undefined) throw new Error('unknown');
      return makeComparison(a, b, { rows: [{ ...makeRow('Answer', 203, 196, [0.966, 0.96, 0.971], 'slower', 'tok/s'), caseId: 'decode-0' }] });
    });
    await show('llm');
    await engine.settle();
    const panel = screen.getByRole('region', { name: 'History' });
    expect(panel.querySelector('header')?.textContent).toMatch(/slower since \d+ Nov/);
    expect(within(within(panel).getByRole('list', { name: 'Changes' })).getAllByRole('listitem').map((l) => l.textContent?.replace(/^.*: /, ''))).toEqual(['llama.cpp b6400', 'driver 580.95']);
    expect(within(panel).getByRole('table', { name: 'History of Answer, Llama-3.1-8B Q4_K_M on RTX 5090' })).toBeTruthy();
    expect(panel.querySelectorAll('.recharts-line-dots circle').length).toBe(30);
    expect(panel.querySelectorAll('.recharts-reference-line-line').length).toBe(2);
  });

  it('two runs are compared in words, with what else differs; swapped, and with another one', async () => {
    const [now, before, first] = [makeMatmul('a'), makeMatmul('a', { startedAtMs: NOW - 1e9, driverVersion: '580.65' }), makeMatmul('a', { startedAtMs: NOW - 2e9 })];
    engine.runs.send([now, before, first]);
    engine.answer('benchmarks.compare', makeComparison(before, now));
    await show('matmul');
    await engine.settle();
    const panel = screen.getByRole('region', { name: 'Two runs' });
    const rows = within(within(panel).getByRole('region', { name: 'Rows of the comparison' })).getAllByRole('row').map((r) => r.textContent);
    expect(rows).toEqual(expect.arrayContaining(['BF16 8192³227235TFLOPS+3.4%[+2.9, +3.9]faster', 'TF32 8192³114114TFLOPS+0.4%[−0.6, +1.3]no difference', 'INT8 8192³—610TFLOPS——not comparable']));
    expect(panel.textContent).toContain('Driver580.65580.95');
    expect(engine.inputsOf('benchmarks.compare').at(-1)).toEqual({ a: before.id, b: now.id });
    fireEvent.click(within(panel).getByRole('button', { name: 'Swap' }));
    await engine.settle();
    expect(engine.inputsOf('benchmarks.compare').at(-1)).toEqual({ a: now.id, b: before.id });
    fireEvent.change(within(panel).getByLabelText('Run A'), { target: { value: first.id } });
    await engine.settle();
    expect(engine.inputsOf('benchmarks.compare').at(-1)).toEqual({ a: first.id, b: before.id });
  });

  it('one run has nothing to be compared with', async () => {
    engine.runs.send([makeMatmul('a')]);
    await show('matmul');
    expect(screen.getByRole('region', { name: 'Two runs' }).textContent).toContain('Two runs of this benchmark are needed');
    expect(screen.getByRole('region', { name: 'History' }).textContent).toContain('A line needs two');
  });
});

describe('canary', () => {
  it('an alarm has its sentence, its rows and the way back', async () => {
    engine.runs.send([]);
    engine.canary.send(makeCanary({ state: 'alarm', sentence: 'Slower than its own history: BF16 4096³ by 8.3 %.', rows: [makeRow('BF16 4096³', 231, 212, [0.917, 0.9, 0.94], 'slower')], problem: { ...makeProblem('bench.busy', { title: 'x', place: 'y' }), title: 'This machine has become slower', actions: [{ kind: 'call', label: 'Go back to PyTorch 2.7.1', operation: 'upgrades.planRollback', input: { id: 'upgrade-1', environmentId: 'e1' } }] } }));
    await show(null);
    const panel = screen.getByRole('region', { name: 'Canary' });
    expect(panel.textContent).toContain('Slower than its own history: BF16 4096³ by 8.3 %.');
    expect(panel.textContent).toContain('after driver 580.65 → 580.95');
    expect(within(panel).getByRole('row', { name: /BF16 4096³ 231 212 TFLOPS −8.3/ })).toBeTruthy();
    expect(within(panel).getByRole('link', { name: 'Go back to PyTorch 2.7.1' }).getAttribute('href')).toBe('#/environments/e1?do=undo&upgrade=upgrade-1');
  });
  it('is run on demand, from the page and from the palette', async () => {
    engine.runs.send([]);
    engine.canary.send(makeCanary());
    engine.answer('benchmarks.runCanary', makeJob({ id: 'j9', title: 'Canary on RTX 5090' }));
    await show(null);
    fireEvent.click(screen.getByRole('button', { name: 'Check now' }));
    await engine.settle();
    expect(app.jobs.getState()).toMatchObject({ opened: ['j9'] });
    expect(app.intents.run('benchmarks.canary')).toBe(true);
    await engine.settle();
    expect(engine.inputsOf('benchmarks.runCanary')).toEqual([{ place: null }, { place: null }]);
    app.setJobs([makeJob()]);
    expect(screen.getByRole('button', { name: 'Check now' })).toHaveProperty('disabled', true);
    expect(app.intents.run('benchmarks.run')).toBe(false);
  });
});

describe('files', () => {
  it('exports by a menu that the keyboard moves through', async () => {
    engine.runs.send([makeMatmul('a')]);
    engine.answer('benchmarks.export', (input: { format: string }) => ({ fileName: `run.${input.format}`, text: 'a,b' }));
    await show('matmul');
    const button = screen.getByRole('button', { name: 'Export' });
    fireEvent.click(button);
    const items = screen.getAllByRole('menuitem');
    expect(items.map((i) => i.textContent)).toEqual(['JSON lines, all samples', 'Markdown', 'CSV', 'Card to share, SVG', 'Card to share, PNG', 'Roofline as it is shown, PNG']);
    expect(document.activeElement).toBe(items[0]);
    fireEvent.keyDown(items[0] ?? button, { key: 'ArrowDown' });
    expect(document.activeElement).toBe(items[1]);
    fireEvent.keyDown(items[1] ?? button, { key: 'End' });
    expect(document.activeElement).toBe(items[5]);
    fireEvent.keyDown(items[5] ?? button, { key: 'Escape' });
    expect(screen.queryByRole('menu')).toBeNull();
    expect(document.activeElement).toBe(button);
    fireEvent.click(button);
    fireEvent.click(screen.getByRole('menuitem', { name: 'CSV' }));
    await engine.settle();
    expect(app.saved).toEqual([{ name: 'run.csv', text: 'a,b' }]);
    expect(app.ui.getState().said).toBe('Saved as run.csv.');
  });

  it('a roofline that is not there is not saved', async () => {
    engine.runs.send([makeDecode(1, 196, 1, '580.95', 'b6400')]);
    await show('llm');
    fireEvent.click(screen.getByRole('button', { name: 'Export' }));
    fireEvent.click(screen.getByRole('menuitem', { name: 'Roofline as it is shown, PNG' }));
    await engine.settle();
    expect(app.saved).toEqual([]);
    expect(app.ui.getState().said).toContain('There is no roofline yet');
  });

  it('imports a file, and refuses one that is too large without reading it', async () => {
    const imported = makeRun('llm', { key: 'imported:A100', name: 'NVIDIA A100' }, [makeResult('llm', 'decode-0', 140, 1)], { importedFrom: 'llama-bench' });
    engine.runs.send([]);
    engine.answer('benchmarks.import', [imported]);
    await show(null);
    const input = screen.getByTestId('bench-file');
    fireEvent.change(input, { target: { files: [new File(['[{"model_filename":"m"}]'], 'bench.json')] } });
    await waitFor(() => expect(engine.inputsOf('benchmarks.import')).toEqual([{ text: '[{"model_filename":"m"}]' }]));
    await engine.settle();
    expect(location.hash).toBe(`#/benchmarks/${imported.id}`);
    expect(app.ui.getState().said).toBe('1 run imported from bench.json.');
    const large = new File([], 'large.json');
    Object.defineProperty(large, 'size', { value: 9_000_000 });
    fireEvent.change(input, { target: { files: [large] } });
    await engine.settle();
    expect(screen.getByRole('alert').textContent).toContain('large.json is larger than 8 MB');
    expect(engine.inputsOf('benchmarks.import')).toHaveLength(1);
  });

  it('says what is wrong with a file, and the note can be dismissed', async () => {
    engine.runs.send([]);
    engine.answer('benchmarks.import', new ProblemError(makeProblem('bench.import', { detail: 'It is no JSON.' })));
    await show(null);
    fireEvent.change(screen.getByTestId('bench-file'), { target: { files: [new File(['x'], 'x.json')] } });
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('This is not output of llama-bench'));
    fireEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('removes a run after asking', async () => {
    const run = makeMatmul('a');
    engine.runs.send([run]);
    engine.answer('benchmarks.remove', { ok: true });
    await show('matmul');
    fireEvent.click(screen.getByRole('button', { name: 'Remove this run' }));
    await engine.settle();
    expect(engine.inputsOf('benchmarks.remove')).toEqual([]);
    act(() => app.ui.getState().answer(true));
    await engine.settle();
    expect(engine.inputsOf('benchmarks.remove')).toEqual([{ id: run.id }]);
    expect(screen.getByRole('heading', { name: 'Matrix multiplication has not been measured yet' })).toBeTruthy();
  });
});
