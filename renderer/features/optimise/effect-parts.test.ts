import { describe, expect, it } from 'vitest';
import { decideDraft, decideEffect, decideQueue, decideShown, decideSuggested, decideValue, countVerdicts, findMeasureJob, findSetCard, withToggle } from './effect-choice.ts';
import { describeEnergy, describeEnergyChange, describeError, describeInterval, describeMemory, describeProvenance, describeResolution, describeState, decideSwitchOff, formatErrorPercent, formatRatio } from './effect-words.ts';
import { decidePatternFault, joinCommand, splitCommand, takesProgram, toWorkload } from './program-words.ts';
import { decideTicks, layOutStrip, medianOf, scaleUnit } from './strip-layout.ts';
import { describeSetting, secondsToRevert } from './device-panel.tsx';
import { quoteForShell } from './apply-dialog.tsx';
import { orderCandidates } from './tune-panel.tsx';
import { makeCard, makeJob, makeOverview, makePairs, makeProfiles, makeState, makeTune, workloads } from './test-support.tsx';

const tf32 = { toggleId: 'tf32', value: 'high' };
const facts = (a: Partial<ReturnType<typeof makeCard>['a']>, b: Partial<ReturnType<typeof makeCard>['b']>): Pick<ReturnType<typeof makeCard>, 'a' | 'b'> => ({ a: { memoryBytes: null, joulesPerUnit: null, error: null, ...a }, b: { memoryBytes: null, joulesPerUnit: null, error: null, ...b } });

describe('figures', () => {
  it.each([[1.73, '1.73'], [8.94, '8.94'], [12.34, '12.3'], [0.998, '0.9980'], [1.042, '1.042'], [0.75, '0.75'], [123.4, '123']])('a ratio of %f is %s', (ratio, text) => expect(formatRatio(ratio)).toBe(text));
  it.each([[0, '0'], [1e-9, '<0.0001'], [4e-4, '0.04'], [0.0312, '3.12'], [0.5, '50.0']])('an error of %f is %s %%', (share, text) => expect(formatErrorPercent(share)).toBe(text));
  it('an interval is a ratio, or percent where the effect is not clear', () => {
    expect(describeInterval(makeCard(tf32))).toBe('[1.71, 1.75]');
    expect(describeInterval(makeCard(tf32, { verdict: 'no_effect', low: 0.991, high: 1.005 }))).toBe('[−0.9, +0.5] %');
    expect(describeInterval(makeCard(tf32, { low: null }))).toBeNull();
    // Percent of a speed say nothing where it may be 25 times less or 56 times more.
    expect(describeInterval(makeCard(tf32, { verdict: 'cannot_resolve', low: 0.04, high: 55.8 }))).toBe('[0.04, 55.8]×');
  });
  it.each([[null, ''], [0.84, 'Shows changes from 0.8 % on.'], [42.4, 'Shows changes from 42 % on.'], [286.8, 'Only a change of more than 3.87× would have shown.']])('resolving %s %% is said as %s', (percent, text) => expect(describeResolution(percent)).toBe(text));
  it('a figure below one has a smaller unit, where there is one', () => {
    expect(scaleUnit('TFLOPS', 0.0312)).toEqual({ unit: 'GFLOPS', factor: 1000 });
    expect(scaleUnit('TFLOPS', 1.2)).toEqual({ unit: 'TFLOPS', factor: 1 });
    expect(scaleUnit('tok/s', 0.2)).toEqual({ unit: 'tok/s', factor: 1 });
    expect(scaleUnit('TFLOPS', 0)).toEqual({ unit: 'TFLOPS', factor: 1 });
  });
  it('what was not reported is not zero', () => {
    const none = facts({}, {});
    for (const describe of [describeError, describeMemory, describeEnergy, describeEnergyChange]) expect(describe(none).text).toBeNull();
    expect(describeEnergyChange(facts({ joulesPerUnit: 0 }, { joulesPerUnit: 1 })).text).toBeNull();
  });
  it('error, memory and energy say before and after', () => {
    expect(describeError(facts({ error: 1e-9 }, { error: 4e-4 }))).toEqual({ text: '<0.0001 → 0.04', unit: '%' });
    expect(describeError(facts({ error: 1e-3 }, { error: 1e-3 })).text).toBe('unchanged');
    expect(describeMemory(facts({ memoryBytes: 12 * 2 ** 30 }, { memoryBytes: 4 * 2 ** 30 }))).toEqual({ text: '−8.00', unit: 'GiB' });
    expect(describeMemory(facts({ memoryBytes: 5 }, { memoryBytes: 5 }))).toEqual({ text: '±0', unit: 'MiB' });
    expect(describeEnergy(facts({ joulesPerUnit: 9.4 }, { joulesPerUnit: 5.5 }))).toEqual({ text: '9.40 → 5.50', unit: 'J' });
    expect(describeEnergy(facts({ joulesPerUnit: 0.02 }, { joulesPerUnit: 0.01 }))).toEqual({ text: '20.0 → 10.0', unit: 'mJ' });
    expect(describeEnergyChange(facts({ joulesPerUnit: 10 }, { joulesPerUnit: 4.8 }))).toEqual({ text: '−52', unit: '%' });
  });
  it('provenance names what it was measured with', () => {
    expect(describeProvenance(makeCard(tf32))).toBe('RTX 5090 · driver 580.95 · torch 2.8.0+cu128');
    expect(describeProvenance(makeCard({ toggleId: 'llama_kv_type', value: 'q8_0' }, { identity: { gpu: null, driver: null, torch: null, engine: 'b5000' } }))).toBe('Processor · llama.cpp b5000');
  });
  it.each([['plain', 'plain'], ['a b', "'a b'"], ["it's", `'it'\\''s'`], ['', "''"], ['a;rm', "'a;rm'"]])('%s is quoted', (word, quoted) => expect(quoteForShell(word)).toBe(quoted));
  it('settings in words', () => {
    expect(describeSetting('persistence_mode', 1, '')).toBe('on');
    expect(describeSetting('sm_clock_lock', null, 'MHz')).toBe('not locked');
    expect(describeSetting('power_limit', 575, 'W')).toBe('575 W');
    expect(describeSetting('power_limit', null, 'W')).toBe('—');
    expect(secondsToRevert({ state: 'trial', revertsAtMs: 10_400 }, 1000)).toBe(10);
    expect(secondsToRevert({ state: 'trial', revertsAtMs: 400 }, 1000)).toBe(0);
    expect(secondsToRevert({ state: 'confirmed', revertsAtMs: null }, 1000)).toBeNull();
  });
});

describe('what a card shows', () => {
  const flash = makeCard({ toggleId: 'sdpa', value: 'flash' }, { verdict: 'helps' });
  const math = makeCard({ toggleId: 'sdpa', value: 'math' }, { verdict: 'hurts', atMs: 5 });
  const state = makeState('sdpa', { effects: [math, flash] });
  it('the chosen value, else the wanted, the set, the measured, the first', () => {
    expect(decideValue(state, { value: 'cudnn', workload: null }, [])).toBe('cudnn');
    expect(decideValue(state, undefined, [{ toggleId: 'sdpa', value: 'efficient' }])).toBe('efficient');
    expect(decideValue({ ...state, state: 'set', value: 'flash' }, undefined, [])).toBe('flash');
    expect(decideValue(state, undefined, [])).toBe('math');
    expect(decideValue({ ...state, effects: [] }, undefined, [])).toBe('flash');
    expect(decideValue(state, { value: 'gone', workload: null }, [])).toBe('math');
  });
  it('what is being measured, then the workload that tells most', () => {
    const training = makeCard({ toggleId: 'sdpa', value: 'flash' }, { id: 't', workload: { name: 'training-step-bf16', title: 'x', unit: 'tok/s', higherIsBetter: true, engine: 'torch' } });
    const both = { ...state, effects: [training, flash] };
    expect(decideEffect(both, 'flash', undefined)).toBe(flash);
    expect(decideEffect(both, 'flash', { value: null, workload: 'training-step-bf16' })).toBe(training);
    const live = { ...training, id: 'live', verdict: null };
    expect(decideEffect({ ...both, effects: [flash, live] }, 'flash', undefined)).toBe(live);
    expect(decideEffect(state, 'efficient', undefined)).toBeNull();
  });
  it('a switch that cannot be used says why', () => {
    expect(decideSwitchOff(makeState('tf32'))).toBeNull();
    expect(decideSwitchOff(makeState('fp8'))).toMatch(/./);
    expect(decideSwitchOff(makeState('llama_kv_type'))).toMatch(/Tune/);
    expect(decideSwitchOff(makeState('power_limit'))).toMatch(/GPU settings/);
    expect(decideSwitchOff(makeState('tf32', { state: 'unavailable', why: 'Too old.' }))).toBe('Too old.');
    expect(describeState(makeState('sdpa', { state: 'set', value: 'flash' }), 'math')).toBe('in force: Flash');
    expect(describeState(makeState('sdpa', { state: 'set', value: 'flash' }), 'flash')).toBe('in force');
    expect(describeState(makeState('tf32', { state: 'other', value: 'X=1' }), 'high')).toBe('set by others: X=1');
    expect(describeState(makeState('tf32'), 'high')).toBeNull();
  });
});

describe('sets', () => {
  const { states } = makeOverview();
  it('suggests what is set; else what was measured to help and does not change results', () => {
    expect(decideSuggested(states, null)).toEqual([tf32]);
    const set = makeOverview({ sdpa: { state: 'set', value: 'flash' } }).states;
    expect(decideSuggested(set, null)).toEqual([{ toggleId: 'sdpa', value: 'flash' }]);
    const stale = makeOverview({ tf32: { effects: [makeCard(tf32, { stale: 'driver 1 → 2' })] } }).states;
    expect(decideSuggested(stale, null)).toEqual([]);
    const risky = makeOverview({ tf32: {}, autocast: { effects: [makeCard({ toggleId: 'autocast', value: 'bf16' })] } }).states;
    expect(decideSuggested(risky, null)).toEqual([]);
  });
  it('a profile suggests its own, without what does not exist here', () => {
    const [training] = makeProfiles();
    expect(decideSuggested(states, training ?? null)).toHaveLength(2);
    expect(decideSuggested(makeOverview({ autocast: { state: 'unavailable', why: 'no' } }).states, training ?? null)).toEqual([tf32]);
    expect(decideShown(states, training ?? null).here.map((s) => s.toggle.id)).toEqual(['tf32', 'autocast']);
    expect(decideShown(states, null).absent.map((s) => s.toggle.id)).toEqual(['kv_cache']);
  });
  it('the user’s own set holds, but for what became unusable', () => {
    expect(decideDraft(states, null, [{ toggleId: 'fp8', value: 'on' }, tf32])).toEqual([tf32]);
    expect(decideDraft(states, null, [])).toEqual([]);
    expect(withToggle([tf32], 'tf32', null)).toEqual([]);
    expect(withToggle([{ toggleId: 'sdpa', value: 'math' }], 'sdpa', 'flash')).toEqual([{ toggleId: 'sdpa', value: 'flash' }]);
  });
  it('finds the measurement of exactly this set here, in any order', () => {
    const both = [tf32, { toggleId: 'autocast', value: 'bf16' }];
    const card = makeCard(both, { atMs: 2 });
    const older = makeCard(both, { id: 'older', atMs: 1 });
    const elsewhere = makeCard(both, { id: 'else', atMs: 3, place: { key: 'cpu', name: 'CPU' } });
    const overview = makeOverview();
    expect(findSetCard(overview, [older, elsewhere, card], both.toReversed())).toBe(card);
    expect(findSetCard(overview, [card], [tf32])?.id).toBe('fx-tf32-high');
    expect(findSetCard(overview, [card], [])).toBeNull();
    expect(findSetCard({ ...overview, environment: null }, [card], both)).toBeNull();
  });
  it('counts verdicts', () => {
    expect(countVerdicts([makeCard(tf32), null, { ...makeCard(tf32), verdict: null }, makeCard(tf32)])).toEqual([{ verdict: 'helps', count: 2 }, { verdict: 'measuring', count: 1 }, { verdict: null, count: 1 }]);
  });
  it('measures all that has no answer that holds, one value each', () => {
    const queue = decideQueue(makeOverview({ sdpa: { effects: [makeCard({ toggleId: 'sdpa', value: 'flash' }, { stale: 'torch 2.7 → 2.8' })] } }).states, workloads, []);
    expect(queue.map((q) => q.toggleId)).toEqual(expect.arrayContaining(['sdpa', 'autocast', 'compile', 'expandable_segments', 'llama_kv_type']));
    for (const id of ['tf32', 'cudnn_benchmark', 'fp8', 'kv_cache', 'power_limit']) expect(queue.map((q) => q.toggleId)).not.toContain(id);
    expect(decideQueue(makeOverview().states, [], [])).toEqual([]);
  });
  it('knows which job measures a card', () => {
    const live = { ...makeCard(tf32), verdict: null };
    expect(findMeasureJob([makeJob('a'), makeJob('b')], live, 'b')?.id).toBe('b');
    expect(findMeasureJob([makeJob('a'), makeJob('b', { result: { effectId: live.id } })], live, undefined)?.id).toBe('b');
    expect(findMeasureJob([makeJob('a')], live, undefined)?.id).toBe('a');
    expect(findMeasureJob([makeJob('a'), makeJob('b')], live, undefined)).toBeNull();
    expect(findMeasureJob([makeJob('a', { state: 'done' })], live, 'a')).toBeNull();
    expect(findMeasureJob([makeJob('a')], makeCard(tf32), undefined)).toBeNull();
  });
});

describe('the strip', () => {
  it('median and round ticks', () => {
    expect(medianOf([3, 1, 2])).toBe(2);
    expect(medianOf([4, 1, 2, 3])).toBe(2.5);
    expect(medianOf([])).toBeNull();
    expect(decideTicks(8, 18)).toEqual([8, 10, 12, 14, 16, 18]);
    expect(decideTicks(0.991, 1.0071)).toEqual([0.995, 1, 1.005]);
    expect(decideTicks(0, 50)).toEqual([0, 10, 20, 30, 40, 50]);
  });
  it('lays the paired interval on the median without the switch, the right way round', () => {
    const card = makeCard(tf32);
    const layout = layOutStrip(makePairs(100, 173, 50), card);
    expect(layout?.interval?.[0]).toBeCloseTo((layout?.a.median ?? 0) * 1.71, 6);
    expect(layout?.interval?.[1]).toBeCloseTo((layout?.a.median ?? 0) * 1.75, 6);
    const time = layOutStrip(makePairs(16.7, 9.6, 50), { ...card, workload: { ...card.workload, higherIsBetter: false } });
    expect(time?.interval?.[0]).toBeCloseTo((time?.a.median ?? 0) / 1.75, 6);
    expect((time?.interval?.[0] ?? 0) < (time?.interval?.[1] ?? 0)).toBe(true);
  });
  it('shows what was set aside, does not count it, and bounds what it draws', () => {
    const pairs = [...makePairs(10, 20, 10), { a: 1000, b: 1, atMs: 1, kept: false, why: 'throttled' }];
    const layout = layOutStrip(pairs, makeCard(tf32));
    expect(layout?.a.median).toBeCloseTo(10, 0);
    expect(layout?.a.dots.filter((d) => !d.kept)).toHaveLength(2);
    expect(layout?.high).toBeGreaterThan(1000);
    expect(layOutStrip(makePairs(1, 2, 5000), makeCard(tf32))?.a.dots.length).toBe(400);
    for (const { sway } of layout?.b.dots ?? []) expect(Math.abs(sway)).toBeLessThanOrEqual(1);
  });
  it('an interval much wider than the dots leaves the axis instead of pressing them together', () => {
    const layout = layOutStrip(makePairs(100, 102, 8), makeCard(tf32, { low: 0.04, high: 55.8 }));
    expect(layout?.interval?.[1]).toBeGreaterThan(5000);
    expect(layout?.high).toBeLessThan(110);
    expect(layout?.low).toBeGreaterThan(90);
  });
  it('has an axis also where all is one value, and none without pairs', () => {
    const layout = layOutStrip([{ a: 5, b: 5, atMs: 0, kept: true, why: null }], makeCard(tf32, { low: null, high: null }));
    expect(layout?.interval).toBeNull();
    expect((layout?.high ?? 0) > (layout?.low ?? 0)).toBe(true);
    expect(layout?.ticks.length).toBeGreaterThan(1);
    expect(layOutStrip([], makeCard(tf32))).toBeNull();
    expect(layOutStrip([{ a: Number.NaN, b: 1, atMs: 0, kept: true, why: null }], makeCard(tf32))).toBeNull();
  });
});

it('candidates: the winner first, then by how far they came', () => {
  expect(orderCandidates(makeTune().candidates).map((c) => c.words)).toEqual(['flash attention on, batch 512', 'KV q8_0', 'defaults', 'batch 2048']);
});

describe('a program of one’s own', () => {
  it.each<[string, readonly string[]]>([
    ['python train.py --steps 50', ['python', 'train.py', '--steps', '50']],
    ['  "/home/a b/bin/python"  -c \'print("speed: 1")\' ', ['/home/a b/bin/python', '-c', 'print("speed: 1")']],
    ['a\\ b "c\\"d" \'e\\\' ""', ['a b', 'c"d', 'e\\', '']],
    ['C:\\Python\\python.exe x', ['C:\\Python\\python.exe', 'x']],
    ["sh -c 'a | b > c && d'", ['sh', '-c', 'a | b > c && d']],
    ['grep "|" file', ['grep', '|', 'file']],
    ['x a|b', ['x', 'a|b']],
  ])('%s is split', (text, words) => expect(splitCommand(text)).toEqual({ words, fault: null }));
  it.each([['', 'Enter the program'], ['  ', 'Enter the program'], ['"" x', 'Enter the program'], ['a "b', 'not closed'], ['a | tail', '“|” needs a shell'], ['a > out', '“>” needs a shell'], ['a && b', '“&&” needs a shell'], ['a 2>&1', 'needs a shell'], ['a '.repeat(65), 'At most 64 words']])('%s cannot be run', (text, part) => expect(splitCommand(text).fault).toContain(part));
  it.each([['speed: ([\\d.]+)', null], ['(?:a)(b)', null], ['', 'Enter a regular'], ['speed', 'no group'], ['(?:a)', 'no group'], ['(', 'It is no regular expression'], ['[a-', 'It is no regular expression'], [`(${'x'.repeat(500)})`, 'longer than 500']])('the pattern %s', (pattern, part) => {
    if (part === null) expect(decidePatternFault(pattern)).toBeNull();
    else expect(decidePatternFault(pattern)).toContain(part);
  });
  it('words come back as they were, whatever is in them', () => {
    const all = [['python', 'my train.py', '--out', 'C:\\data\\x'], ['sh', '-c', 'a > "b" && c'], ["it's", '', '|', "'", '\\', 'a\\ b', '"', '2>&1']];
    for (const words of all) expect(splitCommand(joinCommand(words))).toEqual({ words, fault: null });
    expect(joinCommand(['python', 'train.py', '--steps=50'])).toBe('python train.py --steps=50');
  });
  it('becomes a workload only when it is whole', () => {
    const draft = { command: 'a "b c"', pattern: '(x)', higherIsBetter: false, unit: ' ms ', folder: ' ', timeoutSeconds: 9, budgetSeconds: 60 };
    expect(toWorkload(draft)).toEqual({ command: ['a', 'b c'], pattern: '(x)', higherIsBetter: false, unit: 'ms', folder: null, timeoutSeconds: 9 });
    expect(toWorkload({ ...draft, pattern: 'x' })).toBeNull();
    expect(toWorkload({ ...draft, command: '' })).toBeNull();
  });
  it('takes switches of programs only', () => {
    expect(['tf32', 'expandable_segments', 'llama_kv_type', 'power_limit'].map((id) => takesProgram(makeState(id)))).toEqual([true, true, false, false]);
    expect(takesProgram(makeState('tf32', { state: 'unavailable', why: 'no' }))).toBe(false);
  });
});
