import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { AppProvider, type App } from '../../app/context.tsx';
import { giveDialogs } from '../../app/test-support-engine.ts';
import { OptimisePage } from './optimise-page.tsx';
import { GPU, makeApp, makeCard, makeEngine, makeJob, makeOverview, makePairs, makePlan, makeProfiles, makeTune, place, powerLimit, type TestEngine } from './test-support.tsx';

beforeAll(giveDialogs);

let engine: TestEngine;
let app: App;
beforeEach(() => {
  engine = makeEngine();
  app = makeApp(engine);
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
  engine.answer('optimize.effect', ({ id }: { id: string }) => ({ ...makeCard(tf32), id, pairs: makePairs(104, 180, 50) }));
});
afterEach(() => {
  cleanup();
  engine.clock.stop();
  vi.restoreAllMocks();
  location.hash = '';
  localStorage.clear();
});

const tf32 = { toggleId: 'tf32', value: 'high' };
async function show(section: string | null = null): Promise<void> {
  render(<AppProvider app={app}><OptimisePage section={section} /></AppProvider>);
  await engine.settle();
}
const card = (name: string): HTMLElement => screen.getByRole('article', { name });
const click = async (element: HTMLElement): Promise<void> => {
  fireEvent.click(element);
  await engine.settle();
};

describe('the switches', () => {
  it('each card says its verdict with its interval, its costs, what is said of it, and what it was measured with', async () => {
    await show();
    const one = card('TF32 for FP32 matmul');
    expect(within(one).getByText('helps: 1.73× faster', { exact: false }).textContent).toBe('helps: 1.73× faster [1.71, 1.75]');
    expect(within(one).getByText('9.40 → 5.50')).toBeDefined();
    expect(within(one).getByText('People say')).toBeDefined();
    expect(within(one).getByText('RTX 5090 · driver 580.95 · torch 2.8.0+cu128')).toBeDefined();
    expect(within(one).getByText('2 h ago')).toBeDefined();
    expect(within(one).getByRole('img', { name: /^off 104 TFLOPS, on 180 TFLOPS, 50 pairs$/ })).toBeDefined();
    expect(engine.inputsOf('optimize.effect')).toContainEqual({ id: 'fx-tf32-high' });
    expect(within(card('cuDNN autotune')).getByText('[−0.9, +0.5] %', { exact: false })).toBeDefined();
    expect(screen.getByText('1 helps')).toBeDefined();
    expect(screen.getByText('1 no effect')).toBeDefined();
  });

  it('what cannot be used here is listed apart with its reason; what is not offered has no switch', async () => {
    await show();
    expect(screen.queryByRole('article', { name: /^KV cache$/ })).toBeNull();
    expect(screen.getByText('It came with PyTorch 9.0', { exact: false })).toBeDefined();
    const fp8 = within(card(makeOverview().states.find((s) => s.toggle.id === 'fp8')?.toggle.title ?? '')).getByRole<HTMLButtonElement>('switch');
    expect(fp8.disabled).toBe(true);
    expect(document.getElementById(fp8.getAttribute('aria-describedby') ?? '')?.textContent).toMatch(/\w/);
  });

  it('measures one with the workload that is chosen', async () => {
    engine.answer('optimize.measure', makeJob('j1'));
    await show();
    fireEvent.change(screen.getByLabelText('Workload for TF32 for FP32 matmul'), { target: { value: 'training-step' } });
    await click(screen.getByRole('button', { name: 'Measure: TF32 for FP32 matmul' }));
    expect(engine.inputsOf('optimize.measure')).toMatchObject([{ toggles: [tf32], workload: 'training-step', budgetSeconds: 180 }]);
  });

  it('with a program of one’s own: nothing is asked before command and pattern are right, then exactly what was entered', async () => {
    engine.answer('optimize.planLaunch', { variables: {}, toggles: [tf32], dropped: [], notes: [] });
    engine.answer('optimize.measure', makeJob('j1'));
    await show();
    fireEvent.change(screen.getByLabelText('Workload for TF32 for FP32 matmul'), { target: { value: 'own program' } });
    await engine.settle();
    const dialog = screen.getByRole('dialog', { name: 'Measure TF32 for FP32 matmul with your own program' });
    const enter = (label: string, value: string): void => { fireEvent.change(within(dialog).getByLabelText(label), { target: { value } }); };
    await click(within(dialog).getByRole('button', { name: 'Measure' }));
    expect(within(dialog).getByText('Enter the program and its arguments.')).toBeDefined();
    enter('Command', '/lab/bin/python "my train.py"');
    enter('Pattern', 'speed');
    expect(within(dialog).getByText('It has no group in parentheses that would be the figure.')).toBeDefined();
    enter('Pattern', 'took ([0-9.]+) ms');
    await click(within(dialog).getByRole('button', { name: 'Lower is better' }));
    enter('Unit', 'ms');
    expect(engine.inputsOf('optimize.measure')).toEqual([]);
    await click(within(dialog).getByRole('button', { name: 'Measure' }));
    expect(engine.inputsOf('optimize.measure')).toMatchObject([{ toggles: [tf32], budgetSeconds: 300, workload: { command: ['/lab/bin/python', 'my train.py'], pattern: 'took ([0-9.]+) ms', higherIsBetter: false, unit: 'ms', folder: null } }]);
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('a program that was cancelled is no workload: Measure takes what is shown', async () => {
    engine.answer('optimize.planLaunch', { variables: {}, toggles: [tf32], dropped: [], notes: [] });
    engine.answer('optimize.measure', makeJob('j1'));
    await show();
    fireEvent.change(screen.getByLabelText('Workload for TF32 for FP32 matmul'), { target: { value: 'own program' } });
    await engine.settle();
    const dialog = within(screen.getByRole('dialog'));
    fireEvent.change(dialog.getByLabelText('Command'), { target: { value: 'sh x.sh' } });
    fireEvent.change(dialog.getByLabelText('Pattern'), { target: { value: '(x)' } });
    await click(dialog.getByRole('button', { name: 'Measure' }));
    // It is cancelled and leaves no card.
    await click(screen.getByRole('button', { name: /^Measure( again)?: TF32 for FP32 matmul$/ }));
    expect(engine.inputsOf('optimize.measure').map((input) => (input as { workload: unknown }).workload)).toEqual([expect.objectContaining({ command: ['sh', 'x.sh'] }), 'matmul-fp32']);
  });

  it('two programs of one’s own stand beside each other', async () => {
    const own = (id: string, file: string, atMs: number, sentence: string): ReturnType<typeof makeCard> => makeCard(tf32, { id, atMs, sentence, workload: { name: 'command', title: `sh ${file}`, unit: 'it/s', higherIsBetter: true, engine: 'command' }, program: { command: ['sh', file], pattern: `${file}: (x)`, unit: 'it/s', higherIsBetter: true, folder: null, timeoutSeconds: 9 } });
    engine.answer('optimize.overview', makeOverview({ tf32: { effects: [own('e1', 'my a.sh', 1, 'helps: 1.11× faster'), own('e2', 'b.sh', 2, 'helps: 1.22× faster')] } }));
    await show();
    const select = screen.getByLabelText<HTMLSelectElement>('Workload for TF32 for FP32 matmul');
    expect([...select.options].map((o) => o.text).filter((text) => text.startsWith('Own: '))).toEqual(['Own: sh b.sh', 'Own: sh my a.sh']);
    expect(card('TF32 for FP32 matmul').textContent).toContain('1.22×');
    fireEvent.change(select, { target: { value: [...select.options].find((o) => o.text === 'Own: sh my a.sh')?.value } });
    expect(select.selectedOptions[0]?.text).toBe('Own: sh my a.sh');
    expect(card('TF32 for FP32 matmul').textContent).toContain('1.11×');
    await click(screen.getByRole('button', { name: 'Measure: TF32 for FP32 matmul' }));
    // The one that is looked at, not the one that was entered last.
    const dialog = within(screen.getByRole('dialog', { name: /with your own program/ }));
    expect([dialog.getByLabelText<HTMLInputElement>('Command').value, dialog.getByLabelText<HTMLInputElement>('Pattern').value, dialog.getByLabelText<HTMLInputElement>('Unit').value]).toEqual(["sh 'my a.sh'", 'my a.sh: (x)', 'it/s']);
    // What was entered last stays until this one is changed or measured.
    await click(dialog.getByRole('button', { name: 'Cancel' }));
    expect(app.optimise.getState().program.command).toBe('');
    await click(screen.getByRole('button', { name: 'Measure: TF32 for FP32 matmul' }));
    fireEvent.change(screen.getByLabelText('Unit'), { target: { value: 'x/s' } });
    expect(app.optimise.getState().program).toMatchObject({ command: "sh 'my a.sh'", pattern: 'my a.sh: (x)', unit: 'x/s' });
  });

  it('a switch that no program takes from outside is said before anything is entered; a refusal stays in the dialog', async () => {
    engine.answer('optimize.planLaunch', { variables: {}, toggles: [], dropped: [{ toggleId: 'tf32', why: 'Only the program itself can set it.' }], notes: [] });
    await show();
    fireEvent.change(screen.getByLabelText('Workload for TF32 for FP32 matmul'), { target: { value: 'own program' } });
    await engine.settle();
    expect(screen.getByText('Only the program itself can set it.', { exact: false })).toBeDefined();
    expect(within(screen.getByRole('dialog')).getByRole<HTMLButtonElement>('button', { name: 'Measure' }).disabled).toBe(true);
    await click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Cancel' }));
    engine.answer('optimize.planLaunch', { variables: {}, toggles: [tf32], dropped: [], notes: [] });
    engine.answer('optimize.measure', problemError('bench.busy', { what: 'A benchmark', place: 'RTX 5090' }));
    fireEvent.change(screen.getByLabelText('Workload for TF32 for FP32 matmul'), { target: { value: 'own program' } });
    await engine.settle();
    fireEvent.change(screen.getByLabelText('Command'), { target: { value: 'x' } });
    fireEvent.change(screen.getByLabelText('Pattern'), { target: { value: '(x)' } });
    await click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Measure' }));
    expect(within(screen.getByRole('dialog')).getByText(makeProblem('bench.busy', { what: 'A benchmark', place: 'RTX 5090' }).title, { exact: false })).toBeDefined();
  });

  it('what has no card is listed with its reason and what is true; advice that is no switch too', async () => {
    await show();
    expect(screen.getByText('1 switch that cannot be used here')).toBeDefined();
    expect(screen.getByText('Single beam with KV cache is fast.', { exact: false }).textContent).toMatch(/In truth.*both are defaults/);
    expect(screen.getByText('Gone from llama.cpp.')).toBeDefined();
  });

  it('while it is measured: what is known so far, time left, cancel', async () => {
    const live = makeCard(tf32, { id: 'live', verdict: null, sentence: '≈ 1.60× so far, 18 of at most 60 pairs', low: null, high: null, b: { memoryBytes: null, joulesPerUnit: null, error: null } });
    engine.answer('optimize.overview', makeOverview({ tf32: { effects: [live] } }));
    engine.answer('optimize.effect', { ...live, pairs: makePairs(100, 160, 18) });
    engine.send('jobs.watch', [makeJob('j1')]);
    await show();
    const one = card('TF32 for FP32 matmul');
    expect(one.getAttribute('aria-busy')).toBe('true');
    expect(within(one).getByText('≈ 1.60× so far, 18 of at most 60 pairs', { exact: false })).toBeDefined();
    expect(within(one).getByRole('img', { name: /^So far: off/ })).toBeDefined();
    expect(within(one).getAllByText('waits').length).toBeGreaterThan(0);
    expect(within(one).getByText('34 s left')).toBeDefined();
    expect(within(one).getByRole<HTMLButtonElement>('button', { name: 'Measuring: TF32 for FP32 matmul' }).disabled).toBe(true);
    await click(within(one).getByRole('button', { name: /^Cancel: / }));
    expect(engine.inputsOf('jobs.cancel')).toEqual([{ id: 'j1' }]);
    // A pair more: the pairs are read again.
    const before = engine.inputsOf('optimize.effect').length;
    engine.answer('optimize.overview', makeOverview({ tf32: { effects: [{ ...live, sentence: '≈ 1.61× so far' }] } }));
    engine.send('optimize.watch', { revision: 2 });
    await engine.settle();
    expect(engine.inputsOf('optimize.effect').length).toBeGreaterThan(before);
  });

  it('could not run: what, why, what to do and its remedies; no effect is shown', async () => {
    const problem = { ...makeProblem('bench.no_memory', { what: 'FP32 product', place: 'RTX 5090' }), actions: [{ kind: 'copy' as const, label: 'Look', command: 'warpdeck ps' }, { kind: 'open' as const, label: 'Show processes', place: 'monitor' }, { kind: 'call' as const, label: 'Do it', operation: 'engine.stop', input: {} }] };
    engine.answer('optimize.overview', makeOverview({ tf32: { effects: [makeCard(tf32, { verdict: 'could_not_run', sentence: 'could not run', ratio: null, low: null, high: null, problem })] } }));
    engine.answer('optimize.measure', makeJob('j1'));
    await show();
    const one = card('TF32 for FP32 matmul');
    expect(within(one).getByText('No effect is shown', { exact: false })).toBeDefined();
    expect(within(one).getByText('bench.no_memory')).toBeDefined();
    expect(within(one).queryByRole('img', { name: /off/ })).toBeNull();
    // An operation that is not ours to run has no button.
    expect(within(one).queryByRole('button', { name: 'Do it' })).toBeNull();
    await click(within(one).getByRole('button', { name: 'Show processes' }));
    expect(location.hash).toBe('#/monitor');
    await click(within(one).getByRole('button', { name: 'Measure again' }));
    expect(engine.inputsOf('optimize.measure')).toHaveLength(1);
  });

  it('a stale one says since what, and is measured again', async () => {
    engine.answer('optimize.overview', makeOverview({ tf32: { effects: [makeCard(tf32, { stale: 'driver 575.57 → 580.95' })] } }));
    await show();
    const tag = within(card('TF32 for FP32 matmul')).getByText('stale');
    act(() => tag.focus());
    expect(screen.getByRole('tooltip').textContent).toContain('driver 575.57 → 580.95');
    expect(screen.getByRole('button', { name: 'Measure again: TF32 for FP32 matmul' })).toBeDefined();
  });

  it('another value is another measurement', async () => {
    await show();
    const select = screen.getByLabelText<HTMLSelectElement>(/^Value of .*SDPA|^Value of .*ttention/);
    const title = select.closest('article')?.getAttribute('aria-label') ?? '';
    fireEvent.change(select, { target: { value: 'math' } });
    engine.answer('optimize.measure', makeJob('j2'));
    await click(screen.getByRole('button', { name: `Measure: ${title}` }));
    expect(engine.inputsOf('optimize.measure')).toMatchObject([{ toggles: [{ toggleId: 'sdpa', value: 'math' }] }]);
  });
});

describe('sets', () => {
  const pair = [tf32, { toggleId: 'autocast', value: 'bf16' }];
  it('a profile shows its switches and its measured total', async () => {
    engine.answer('optimize.profiles', makeProfiles([makeCard(pair, { profileId: 'training', ratio: 2.31, low: 2.27, high: 2.35, a: { memoryBytes: 20 * 2 ** 30, joulesPerUnit: 10, error: 0 }, b: { memoryBytes: 10.1 * 2 ** 30, joulesPerUnit: 4.8, error: 4e-4 } })]));
    await show();
    await click(screen.getByRole('button', { name: 'Training' }));
    const sum = screen.getByRole('group', { name: 'Together' });
    expect(sum.textContent).toContain('2.31× [2.27, 2.35]');
    expect(sum.textContent).toContain('0.04%');
    expect(sum.textContent).toContain('−9.90GiB');
    expect(sum.textContent).toContain('−52%');
    expect(screen.getAllByRole('article')).toHaveLength(2);
    expect(screen.getByRole('button', { name: 'Apply 2 switches…' })).toBeDefined();
  });

  it('an unmeasured set is measured as a set', async () => {
    engine.answer('optimize.measure', makeJob('j1'));
    await show();
    await click(screen.getByRole('button', { name: 'Training' }));
    await click(screen.getByRole('button', { name: 'Measure: 2 switches together' }));
    expect(engine.inputsOf('optimize.measure')).toMatchObject([{ toggles: pair, profileId: 'training', workload: null }]);
    // Less than the profile: no longer its measurement.
    await click(screen.getByRole('switch', { name: 'TF32 for FP32 matmul' }));
    await click(screen.getByRole('button', { name: 'Measure: 1 switch together' }));
    expect(engine.inputsOf('optimize.measure')[1]).toMatchObject({ toggles: [pair[1]], profileId: null });
    await click(screen.getByRole('button', { name: 'Back to the profile' }));
    expect(screen.getByRole('switch', { name: 'TF32 for FP32 matmul' }).getAttribute('aria-checked')).toBe('true');
  });

  it('is kept under a name', async () => {
    engine.answer('optimize.saveProfile', { id: 'own', title: 'Mine', what: 'A set of your own.', builtIn: false, toggles: [tf32], effects: [] });
    await show();
    await click(screen.getByRole('button', { name: 'Keep these as a set…' }));
    fireEvent.change(screen.getByRole('textbox', { name: 'Name of the set' }), { target: { value: ' Mine ' } });
    await click(screen.getByRole('button', { name: 'Keep' }));
    expect(engine.inputsOf('optimize.saveProfile')).toEqual([{ id: null, title: 'Mine', toggles: [tf32] }]);
  });

  it('measure all says how long at most, and can be stopped', async () => {
    engine.answer('optimize.measure', makeJob('j1'));
    await show();
    const all = screen.getByRole('button', { name: /^Measure all/ });
    const minutes = Number(/(\d+) min/.exec(all.textContent)?.[1]);
    expect(minutes).toBeGreaterThan(2);
    await click(all);
    expect(engine.inputsOf('optimize.measure')).toMatchObject([{ budgetSeconds: 60 }]);
    expect(screen.getByText(`Measuring 1 of ${String(minutes)}`)).toBeDefined();
    await click(screen.getByRole('button', { name: 'Stop' }));
    expect(engine.inputsOf('jobs.cancel')).toEqual([{ id: 'j1' }]);
  });
});

describe('applying', () => {
  it('shows lines to copy first; writes only after the plan was agreed to', async () => {
    engine.answer('optimize.planApply', ({ means }: { means: 'snippet' | 'hook' }) => makePlan(means === 'snippet' ? {} : { means, planId: 'p2', files: [{ path: '/home/lab/train-cu128/lib/warpdeck.pth', text: 'import warpdeck_switches', exists: false }], agree: ['Products of FP32 matrices get other last digits.'] }));
    engine.answer('optimize.apply', { id: 'a1', environmentId: 'env-1', environmentName: 'lab/train-cu128', means: 'hook', toggles: [tf32], appliedAtMs: 1, state: 'in_force', files: [], killSwitch: 'WARPDECK_SWITCHES=off' });
    await show();
    await click(screen.getByRole('button', { name: 'Apply 1 switch…' }));
    const dialog = screen.getByRole('dialog', { name: 'Apply 1 switch to lab/train-cu128' });
    expect(within(dialog).getByRole('region', { name: 'Lines for your program' }).textContent).toContain('set_float32_matmul_precision');
    expect(within(dialog).getByRole('region', { name: 'Variables for its start' }).textContent).toContain('export PYTORCH_ALLOC_CONF=expandable_segments:True');
    expect(within(dialog).queryByRole('button', { name: /^Apply/ })).toBeNull();
    await click(within(dialog).getByRole('button', { name: 'Every start' }));
    const apply = within(dialog).getByRole<HTMLButtonElement>('button', { name: 'Apply to lab/train-cu128' });
    expect(apply.disabled).toBe(true);
    expect(dialog.textContent).toContain('/home/lab/train-cu128/lib/warpdeck.pth');
    fireEvent.click(within(dialog).getByRole('checkbox'));
    expect(engine.inputsOf('optimize.apply')).toEqual([]);
    await click(apply);
    expect(engine.inputsOf('optimize.apply')).toEqual([{ planId: 'p2', agree: true }]);
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(app.ui.getState().said).toContain('Applied to lab/train-cu128');
  });

  it('a plan that does not hold any more is made again', async () => {
    engine.answer('optimize.planApply', makePlan({ means: 'hook' }));
    engine.answer('optimize.apply', problemError('apply.plan_expired'));
    await show();
    await click(screen.getByRole('button', { name: 'Apply 1 switch…' }));
    await click(screen.getByRole('button', { name: 'Apply to lab/train-cu128' }));
    expect(screen.getByText('The plan does not hold any more', { exact: false })).toBeDefined();
    await click(screen.getByRole('button', { name: 'Plan again' }));
    expect(engine.inputsOf('optimize.planApply')).toHaveLength(2);
    expect(screen.queryByText('The plan does not hold any more', { exact: false })).toBeNull();
  });

  it('an environment that is not written to says so', async () => {
    engine.answer('optimize.planApply', problemError('apply.protected', { environment: 'system', detail: 'It belongs to the system.' }));
    await show();
    await click(screen.getByRole('button', { name: 'Apply 1 switch…' }));
    expect(screen.getByText('It belongs to the system.', { exact: false })).toBeDefined();
  });

  it('what is applied is listed and undone', async () => {
    engine.answer('optimize.applications', [{ id: 'a1', environmentId: 'env-1', environmentName: 'lab/train-cu128', means: 'hook', toggles: [tf32], appliedAtMs: 1, state: 'in_force', files: [], killSwitch: 'WARPDECK_SWITCHES=off' }]);
    engine.answer('optimize.planRevert', makePlan({ planId: 'u1', means: 'hook', files: [{ path: '/x/warpdeck.pth', text: '', exists: true }] }));
    engine.answer('optimize.revert', { id: 'a1', environmentId: 'env-1', environmentName: 'lab/train-cu128', means: 'hook', toggles: [tf32], appliedAtMs: 1, state: 'reverted', files: [], killSwitch: '' });
    await show();
    const panel = screen.getByRole('region', { name: 'Applied' });
    expect(panel.textContent).toContain('in force');
    expect(panel.textContent).toContain('WARPDECK_SWITCHES=off');
    await click(within(panel).getByRole('button', { name: 'Undo in lab/train-cu128' }));
    const dialog = screen.getByRole('dialog', { name: 'Undo in lab/train-cu128' });
    expect(dialog.textContent).toContain('/x/warpdeck.pth');
    await click(within(dialog).getByRole('button', { name: 'Undo' }));
    expect(engine.inputsOf('optimize.revert')).toEqual([{ planId: 'u1' }]);
  });
});

describe('the machine', () => {
  it('a setting is planned, set on trial, counted down, and kept', async () => {
    engine.answer('optimize.deviceSettings', [powerLimit]);
    engine.answer('optimize.planDevice', { planId: 'd1', uuid: GPU, setting: 'power_limit', from: 575, to: 450, command: ['nvidia-smi', '-i', GPU, '-pl', '450'], revertSeconds: 30, notes: [] });
    const change = { id: 'c1', uuid: GPU, setting: 'power_limit', from: 575, to: 450, atMs: Date.now(), state: 'trial', revertsAtMs: Date.now() + 30_000, problem: null };
    engine.answer('optimize.applyDevice', change);
    engine.answer('optimize.confirmDevice', { ...change, state: 'confirmed', revertsAtMs: null });
    await show();
    const panel = screen.getByRole('region', { name: 'GPU settings' });
    expect(panel.textContent).toContain('400 to 600 W');
    const field = within(panel).getByRole('textbox', { name: 'New power limit' });
    fireEvent.change(field, { target: { value: '450' } });
    fireEvent.blur(field);
    await click(within(panel).getByRole('button', { name: 'Set power limit' }));
    expect(engine.inputsOf('optimize.planDevice')).toEqual([{ uuid: GPU, setting: 'power_limit', value: 450 }]);
    const dialog = screen.getByRole('dialog', { name: 'Set power limit of RTX 5090' });
    expect(dialog.textContent).toContain(`nvidia-smi -i ${GPU} -pl 450`);
    await click(within(dialog).getByRole('button', { name: 'Set on trial' }));
    expect(panel.textContent).toMatch(/Put back in (30|29|28) s unless you keep it/);
    await click(within(panel).getByRole('button', { name: 'Keep' }));
    expect(engine.inputsOf('optimize.confirmDevice')).toEqual([{ id: 'c1' }]);
    expect(within(panel).queryByRole('button', { name: 'Keep' })).toBeNull();
  });

  it('a trial that nobody kept is looked at again when its time is over', async () => {
    const change = { id: 'c1', uuid: GPU, setting: 'power_limit', from: 575, to: 450, atMs: 1, state: 'trial', revertsAtMs: 2, problem: null };
    engine.answer('optimize.deviceSettings', [powerLimit]);
    engine.answer('optimize.deviceChanges', [change]);
    await show();
    expect(engine.inputsOf('optimize.deviceChanges').length).toBeGreaterThan(1);
    expect(screen.getByText('It is being put back.', { exact: false })).toBeDefined();
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Keep' }).disabled).toBe(true);
  });

  it('tune: what was tried by rung, before and after', async () => {
    engine.send('optimize.watchTune', [makeTune()]);
    engine.answer('optimize.tune', makeJob('t', { kind: 'tune' }));
    await show();
    const table = screen.getByRole('table', { name: 'Candidates for SmolLM2-135M-Instruct' });
    expect(within(table).getAllByRole('row').map((r) => r.textContent).slice(1)[0]).toContain('flash attention on, batch 512');
    expect(within(table).getByText('may change answers')).toBeDefined();
    const panel = screen.getByRole('region', { name: 'Tune' });
    expect(panel.textContent).toContain('1.26×[1.24, 1.28]');
    fireEvent.click(within(panel).getByRole('button', { name: 'Reading' }));
    fireEvent.click(within(panel).getByRole('checkbox'));
    await click(within(panel).getByRole('button', { name: 'Tune' }));
    expect(engine.inputsOf('optimize.tune')).toMatchObject([{ modelId: 'm1', place: GPU, goal: 'prompt', budgetSeconds: 600, allowAnswerChanging: true }]);
    engine.send('jobs.watch', [makeJob('t', { kind: 'tune', doing: 'rung 2 of 3' })]);
    await engine.settle();
    expect(panel.textContent).toContain('rung 2 of 3, 34 s left');
  });

  it('why it is slow: watches, then causes with a number each', async () => {
    let finish: (value: unknown) => void = () => undefined;
    engine.answer('optimize.explainSlow', () => new Promise((resolve) => { finish = resolve; }));
    await show();
    const panel = screen.getByRole('region', { name: 'Why is it slow?' });
    await click(within(panel).getByRole('button', { name: 'Watch for 10 s' }));
    expect(panel.textContent).toContain('Leave your program running');
    finish({ atMs: Date.now(), place, seconds: 10, causes: [{ id: 'link', title: 'The link is slow', weight: 0.4, number: 'PCIe 3.0 ×4, 3.1 GB/s', remedy: 'Use another slot.' }], notes: [] });
    await engine.settle();
    expect(panel.textContent).toContain('40%');
    expect(panel.textContent).toContain('PCIe 3.0 ×4, 3.1 GB/s');
    engine.answer('optimize.explainSlow', problemError('bench.no_place', { what: 'It', place: 'cpu', detail: 'no GPU' }));
    await click(within(panel).getByRole('button', { name: 'Watch again' }));
    expect(panel.textContent).toContain('It cannot be measured there');
  });

  it('components: a word each, and why', async () => {
    engine.answer('optimize.health', [{ id: 'driver', title: 'Driver', state: 'works', detail: '580.95', provedAtMs: Date.now(), problem: null }, { id: 'cudnn', title: 'cuDNN', state: 'fails', detail: 'A convolution failed.', provedAtMs: null, problem: makeProblem('bench.torch_fails', { environment: 'lab', detail: 'libcudnn is missing', remedy: 'Repair it.' }) }]);
    await show();
    const strip = screen.getByRole('group', { name: 'Components' });
    await click(within(strip).getByRole('button', { name: /^cuDNN fails$/ }));
    expect(strip.textContent).toContain('libcudnn is missing');
    expect(strip.textContent).toContain('Never proved here.');
  });
});

describe('the page', () => {
  it('waits, fails with a way on, and says what is missing', async () => {
    engine.answer('optimize.overview', new Promise(() => undefined));
    await show();
    expect(screen.getByText('Reading the environment', { exact: false })).toBeDefined();
    cleanup();
    app = makeApp(engine);
    engine.answer('optimize.overview', problemError('bench.busy', { title: 'X', place: 'Y' }));
    await show();
    engine.answer('optimize.overview', makeOverview({}, { environment: null, place: { key: 'cpu', name: 'Processor' } }));
    await click(screen.getByRole('button', { name: 'Try again' }));
    expect(screen.getByText('No environment with PyTorch was found.', { exact: false })).toBeDefined();
    expect(screen.queryByRole('region', { name: 'GPU settings' })).toBeNull();
    expect(screen.getByRole<HTMLButtonElement>('button', { name: /^Apply/ }).disabled).toBe(true);
  });

  it('says once that there is no PyTorch, in the words of what was found', async () => {
    engine.answer('optimize.overview', makeOverview({}, { environment: null, problems: [makeProblem('bench.no_torch', { detail: 'No environment was found whose PyTorch can use RTX 5090.' })] }));
    await show();
    expect(screen.getByText('No environment was found whose PyTorch can use RTX 5090.')).toBeDefined();
    expect(screen.queryByText('There is no PyTorch to measure with', { exact: false })).toBeNull();
    expect(screen.queryByText('No environment with PyTorch was found.', { exact: false })).toBeNull();
  });

  it('another environment and another place are asked for', async () => {
    await show();
    const environment = screen.getByLabelText<HTMLSelectElement>('Environment');
    expect([...environment.options].map((o) => o.text)).toEqual(['lab/train-cu128, torch 2.8.0+cu128', 'old, torch 2.4.1+cu121']);
    fireEvent.change(environment, { target: { value: 'env-2' } });
    fireEvent.change(screen.getByLabelText('Place'), { target: { value: 'cpu' } });
    await engine.settle();
    expect(engine.inputsOf('optimize.overview').at(-1)).toEqual({ environmentId: 'env-2', place: 'cpu' });
  });

  it('offers what it can do to the palette while it is there', async () => {
    await show();
    const all = app.intents.list();
    expect(all.map((i) => i.id)).toEqual(['optimise.measureAll', 'optimise.apply']);
    expect(all.map((i) => i.guard())).toEqual([null, null]);
    cleanup();
    expect(app.intents.list()).toEqual([]);
  });

  it('a refusal is told until it was read', async () => {
    engine.answer('optimize.measure', problemError('bench.busy', { title: 'torch.compile', place: 'RTX 5090' }));
    await show();
    await click(screen.getByRole('button', { name: 'Measure: TF32 for FP32 matmul' }));
    expect(screen.getByText('"torch.compile" runs on RTX 5090.', { exact: false })).toBeDefined();
    await click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByText('"torch.compile" runs on RTX 5090.', { exact: false })).toBeNull();
  });
});
