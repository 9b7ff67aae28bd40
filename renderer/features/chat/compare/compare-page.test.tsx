import { fireEvent, render, screen, within } from '@testing-library/react';
import { beforeEach, expect, it, vi } from 'vitest';
import { answerer, type Comparison, type ComparisonAnswer } from '../../../../contract/chat.ts';
import { giveDialogs } from '../../../app/test-support-engine.ts';
import { stageForEach } from '../test-support-page.tsx';
import { makeFigures, makeModel, makeModels, makePromptSet, makeTruth } from '../test-support.tsx';

const stage = stageForEach();
beforeEach(() => {
  giveDialogs();
  // jsdom does not scroll.
  HTMLElement.prototype.scrollIntoView = vi.fn();
  stage.engine.answer('comparisons.list', []);
  stage.engine.answer('comparisons.promptSets', [makePromptSet()]);
  stage.engine.models.send(makeModels([makeModel('m1', { name: 'Tiny' }), makeModel('m2', { name: 'Small' })]));
  stage.engine.loaded.send([]);
});

const answer = (contender: number, content: string, more: Partial<ComparisonAnswer> = {}): ComparisonAnswer => ({ contender, prompt: 0, repeat: 0, state: 'done', content, thinking: '', reason: 'stop', figures: makeFigures(), truth: makeTruth(), problem: null, ...more });
const made: Comparison = {
  id: 'x', title: 'Retention', createdAtMs: 0, jobId: 'j', state: 'done',
  wish: { title: null, prompts: ['How?'], systemPrompt: '', contenders: [answerer.parse({ model: 'm1' }), answerer.parse({ model: 'm2' })], repeats: 1, order: 'turns', blind: false },
  names: ['Tiny Q4', 'Small Q8'],
  answers: [answer(0, 'Index the time column alone.'), answer(1, 'Index the time and the GPU together.')],
  rows: [{ figure: 'decode', unit: 'tokens/s', values: [{ mean: 141, low: 139, high: 143, n: 5 }, { mean: 92.4, low: 91, high: 94, n: 5 }], against: [{ ratio: 0.655, low: 0.649, high: 0.662, words: 'slower' }] }, { figure: 'first_token', unit: 'ms', values: [{ mean: 38, low: 30, high: 44, n: 5 }, { mean: null, low: null, high: null, n: 0 }], against: [{ ratio: null, low: null, high: null, words: 'unknown' }] }],
  sentence: 'Small Q8 is slower.', partAt: [15], votes: [], problem: null,
};

it('asks two or three configurations, in turns, with a prompt that is typed', async () => {
  stage.engine.answer('comparisons.start', made);
  render(stage.page('compare'));
  await stage.engine.settle();
  fireEvent.change(screen.getByRole('combobox', { name: 'Model of A' }), { target: { value: '\nm1' } });
  fireEvent.change(screen.getByRole('combobox', { name: 'Model of B' }), { target: { value: '\nm2' } });
  fireEvent.click(screen.getByRole('button', { name: 'Add C' }));
  expect(screen.queryByRole('button', { name: /^Add/ })).toBeNull();
  fireEvent.click(screen.getByRole('button', { name: 'Remove C' }));
  fireEvent.click(screen.getByRole('switch', { name: /Blind/ }));
  const text = screen.getByRole('textbox', { name: 'Prompt for all configurations' });
  fireEvent.change(text, { target: { value: 'How?' } });
  fireEvent.keyDown(text, { key: 'Enter' });
  await stage.engine.settle();
  expect(stage.engine.inputsOf('comparisons.start')).toMatchObject([{ prompts: ['How?'], order: 'turns', blind: true, repeats: 5, contenders: [{ model: 'm1', sampling: { seed: 1, temperature: 0 } }, { model: 'm2' }] }]);
  expect(location.hash).toBe('#/chat/compare%3Ax');
});

it('shows what was found: figures, intervals, where the answers part', async () => {
  stage.engine.answer('comparisons.get', made);
  stage.engine.comparison.send({ t: 'whole', comparison: made });
  render(stage.page('compare:x'));
  await stage.engine.settle();
  stage.engine.frame();
  const a = screen.getByRole('region', { name: 'Configuration A' });
  expect(within(a).getByText('Tiny Q4')).toBeDefined();
  expect(within(a).getByText('141')).toBeDefined();
  expect(a.querySelector('mark')?.textContent).toBe('column alone.');
  expect(screen.getByRole('region', { name: 'Configuration B' }).querySelector('mark')?.textContent).toBe('and the GPU together.');
  const table = screen.getByRole('table');
  expect(within(table).getByRole('row', { name: /Speed/ }).textContent).toContain('−34.5 % [−35.1, −33.8] slower');
  expect(within(table).getByRole('row', { name: /First token/ }).textContent).toContain('not known');
  expect(screen.getByText(/A and B part at character 15/)).toBeDefined();
  fireEvent.click(screen.getByRole('button', { name: 'Go to where they part' }));
  await stage.engine.settle();
  expect(HTMLElement.prototype.scrollIntoView).toHaveBeenCalled();
  stage.engine.answer('comparisons.export', { fileName: 'retention.csv', text: 'a,b' });
  fireEvent.click(screen.getByRole('button', { name: 'CSV' }));
  await stage.engine.settle();
  expect(stage.app.saved).toEqual([{ name: 'retention.csv', text: 'a,b' }]);
});

it('hides names and figures until the vote', async () => {
  const hidden: Comparison = { ...made, wish: { ...made.wish, blind: true, contenders: made.wish.contenders.map(() => answerer.parse({})) }, names: ['Answer 1', 'Answer 2'], rows: [], partAt: [], sentence: 'Hidden.', answers: made.answers.map((one) => ({ ...one, figures: null, truth: null })) };
  stage.engine.answer('comparisons.get', hidden);
  stage.engine.comparison.send({ t: 'whole', comparison: hidden });
  const { container } = render(stage.page('compare:x'));
  await stage.engine.settle();
  stage.engine.frame();
  expect(screen.queryByText('Tiny Q4')).toBeNull();
  expect(container.querySelector('.costs')).toBeNull();
  stage.engine.answer('comparisons.vote', { ...made, wish: { ...made.wish, blind: true }, votes: [{ prompt: 0, contender: 1 }] });
  fireEvent.click(within(screen.getByRole('region', { name: 'Answer 2' })).getByRole('button', { name: 'Best' }));
  await stage.engine.settle();
  expect(stage.engine.inputsOf('comparisons.vote')).toEqual([{ id: 'x', prompt: 0, contender: 1 }]);
  expect(screen.getByText('Tiny Q4')).toBeDefined();
  expect(screen.getByRole('button', { name: 'Liked best' }).getAttribute('aria-pressed')).toBe('true');
});

it('a set of prompts has a table of results, and answers grow while they are written', async () => {
  const running: Comparison = { ...made, state: 'running', wish: { ...made.wish, prompts: ['One?', 'Two?'] }, rows: [], partAt: [], answers: [answer(0, 'First'), answer(1, 'Half', { state: 'writing', figures: null, reason: null }), answer(0, '', { prompt: 1, state: 'waiting' })] };
  stage.engine.comparison.send({ t: 'whole', comparison: running });
  render(stage.page('compare:x'));
  await stage.engine.settle();
  stage.engine.frame();
  await stage.engine.settle();
  const results = screen.getByRole('region', { name: 'Results by prompt' });
  expect(within(results).getByRole('row', { name: /One/ }).textContent).toContain('141 tok/s, 186 tokens');
  expect(within(results).getByRole('row', { name: /One/ }).textContent).toContain('writes');
  // Only what was added comes.
  stage.engine.comparison.send({ t: 'change', answers: [{ ...answer(1, ' and half', { state: 'writing', figures: null, reason: null }), contentFrom: 4, thinkingFrom: 0 }], rest: {} });
  await stage.engine.settle();
  stage.engine.frame();
  expect(screen.getByText('Half and half')).toBeDefined();
  fireEvent.click(within(results).getByRole('button', { name: 'Two?' }));
  expect(screen.getAllByText('Waits for its turn.').length).toBeGreaterThan(0);
  stage.engine.answer('jobs.cancel', {});
  fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
  await stage.engine.settle();
  expect(stage.engine.inputsOf('jobs.cancel')).toEqual([{ id: 'j' }]);
});

it('keeps sets of prompts', async () => {
  stage.engine.answer('comparisons.savePromptSet', makePromptSet({ id: 'mine', name: 'Mine', builtIn: false }));
  render(stage.page('compare'));
  await stage.engine.settle();
  fireEvent.change(screen.getByRole('combobox', { name: 'Prompts' }), { target: { value: 's1' } });
  expect(screen.getByRole('list', { name: 'Prompts of Short answers' }).children).toHaveLength(2);
  fireEvent.click(screen.getByRole('button', { name: 'Copy and edit' }));
  const dialog = screen.getByRole('dialog', { name: 'Set of prompts' });
  fireEvent.change(within(dialog).getByRole('textbox', { name: /Prompts/ }), { target: { value: 'One?\n---\nThree?' } });
  fireEvent.submit(within(dialog).getByRole('textbox', { name: 'Name' }));
  await stage.engine.settle();
  expect(stage.engine.inputsOf('comparisons.savePromptSet')).toEqual([{ id: null, name: 'Short answers, my copy', prompts: ['One?', 'Three?'] }]);
});
