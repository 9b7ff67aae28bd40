import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { Profiler, StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Message } from '../../../contract/chat.ts';
import { AppProvider } from '../../app/context.tsx';
import { ChatPage } from './chat-page.tsx';
import { giveHeights, makeAnswer, makeApp, makeConversation, makeDownload, makeEngine, makeFigures, makeLoaded, makeModel, makeModels, makePage, makeTruth, makeUser, rowHeights, smollm, type TestEngine } from './test-support.tsx';

let engine: TestEngine;
let app: ReturnType<typeof makeApp>;
beforeEach(() => {
  giveHeights(rowHeights);
  engine = makeEngine();
  app = makeApp(engine);
  location.hash = '';
});
afterEach(() => {
  cleanup();
  app.chat.getState().open(null);
  engine.clock.stop();
  vi.restoreAllMocks();
});

let commits = 0;
const page = (section: string | null, query = '') => (
  <AppProvider app={app}>
    <Profiler id="page" onRender={() => { commits += 1; }}>
      <ChatPage section={section} query={new URLSearchParams(query)} />
    </Profiler>
  </AppProvider>
);
async function show(section: string | null, messages: readonly Message[] = [], more: Parameters<typeof makePage>[2] = {}): Promise<ReturnType<typeof render>> {
  engine.answer('chat.page', makePage(section ?? 'none', messages, more));
  engine.models.send(makeModels([makeModel('m1', { name: 'Tiny' })]));
  engine.loaded.send([]);
  const shown = render(page(section));
  await engine.settle();
  return shown;
}
const writing = { state: 'writing' as const, reason: null, figures: null };
const box = (): HTMLTextAreaElement => screen.getByRole('textbox', { name: 'Message' });

describe('a conversation', () => {
  it('shows who said what, with the figures under each answer', async () => {
    await show('c', [makeUser('u1', null, 'What is **this**?', { attachments: [{ name: 'a.txt', characters: 2048 }] }), makeAnswer('a1', 'u1', 'It is *this*.', {}, { thinking: 'hm', thinkingTokens: 3 })]);
    expect(screen.getByText('What is **this**?')).toBeDefined();
    expect(screen.getByText('this', { selector: 'em' })).toBeDefined();
    expect(screen.getByText('65 % of the roofline', { selector: '.figs span' })).toBeDefined();
    expect(within(screen.getByRole('list', { name: 'Attached files' })).getByText('a.txt', { exact: false })).toBeDefined();
    const thought = screen.getByRole('button', { name: 'Thought 3 tokens' });
    expect(thought.getAttribute('aria-expanded')).toBe('false');
    fireEvent.click(thought);
    expect(screen.getByRole('region', { name: 'Thinking' }).textContent).toBe('hm');
  });

  it('switches between branches, answers again, edits', async () => {
    engine.answer('chat.update', makeConversation('c'));
    engine.answer('chat.regenerate', { answerId: 'a9' });
    engine.answer('chat.send', { messageId: 'u9', answerId: 'a9' });
    await show('c', [makeUser('u1', null, 'Old words'), makeAnswer('a2', 'u1', 'Two')], { branches: { a2: ['a1', 'a2', 'a3'] } });
    const branch = screen.getByRole('group', { name: 'Version 2 of 3' });
    expect(branch.textContent).toContain('2 of 3');
    fireEvent.click(within(branch).getByRole('button', { name: 'Version after' }));
    fireEvent.click(screen.getByRole('button', { name: 'Answer again' }));
    await engine.settle();
    expect(engine.inputsOf('chat.update')).toEqual([{ id: 'c', headId: 'a3' }]);
    expect(engine.inputsOf('chat.regenerate')).toEqual([{ conversationId: 'c', messageId: 'a2' }]);
    fireEvent.click(screen.getByRole('button', { name: 'Edit' }));
    await engine.settle();
    const edit = screen.getByRole('textbox', { name: 'Edit the message' });
    fireEvent.change(edit, { target: { value: 'New words' } });
    fireEvent.keyDown(edit, { key: 'Enter' });
    await engine.settle();
    expect(engine.inputsOf('chat.send')).toMatchObject([{ conversationId: 'c', parentId: '', content: 'New words' }]);
  });

  it('an answer that failed says why, and can be asked for again', async () => {
    engine.answer('chat.regenerate', { answerId: 'a9' });
    await show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'half of', { reason: 'interrupted', problem: makeProblem('generate.interrupted', { detail: 'Its process ended.' }) })]);
    expect(screen.getByText('half of')).toBeDefined();
    expect(screen.getByText('The answer was interrupted.', { exact: false })).toBeDefined();
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await engine.settle();
    expect(engine.inputsOf('chat.regenerate')).toHaveLength(1);
  });

  it('a very long message is folded, and unfolds in pieces', async () => {
    const long = Array.from({ length: 12_000 }, (_, i) => `Paragraph ${i}.`).join('\n\n');
    const { container } = await show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', long)]);
    expect(container.querySelectorAll('*').length).toBeLessThan(2000);
    fireEvent.click(screen.getByRole('button', { name: /^Show all/ }));
    await engine.settle();
    expect(screen.queryByRole('button', { name: /^Show all/ })).toBeNull();
    expect(container.querySelectorAll('*').length).toBeLessThan(2000);
  });

  it('thousands of messages cost what is seen of them', async () => {
    const messages = Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? makeUser(`m${i}`, i === 0 ? null : `m${i - 1}`, `Question ${i}`) : makeAnswer(`m${i}`, `m${i - 1}`, `Answer **${i}**.\n\nMore.`)));
    const { container } = await show('c', messages);
    expect(container.querySelectorAll('*').length).toBeLessThan(2000);
  });
});

describe('while an answer is written', () => {
  async function begin(): Promise<ReturnType<typeof render>> {
    const shown = await show('c', [makeUser('u1', null, 'Hi'), makeAnswer('a1', 'u1', '', writing)]);
    engine.events.send({ t: 'so_far', messageId: 'a1', content: '', thinking: '', tokens: 0 });
    await engine.settle();
    engine.frame();
    return shown;
  }
  const text = (t: string) => ({ t: 'text' as const, messageId: 'a1', text: t, channel: 'answer' as const, tokens: 1, atMs: 1 });

  it('commits once a frame, and only the open message', async () => {
    const { container } = await begin();
    engine.events.send(text('One two'));
    await engine.settle();
    engine.frame();
    const question = container.querySelector('.r-words');
    const touched: MutationRecord[] = [];
    const observer = new MutationObserver((list) => touched.push(...list));
    observer.observe(container, { subtree: true, childList: true, characterData: true });
    commits = 0;
    for (let frame = 0; frame < 10; frame++) {
      // Far more pieces than frames.
      for (let i = 0; i < 20; i++) engine.events.send(text(' word'));
      await act(async () => { for (let i = 0; i < 25; i++) await Promise.resolve(); });
      engine.frame();
    }
    // One more: the list notices that it was scrolled to its end, and no longer is.
    expect(commits).toBeLessThanOrEqual(11);
    touched.push(...observer.takeRecords());
    expect(touched.length).toBeGreaterThan(0);
    expect(touched.filter((m) => (m.target instanceof Element ? m.target : m.target.parentElement)?.closest('.row.me, .convs, .instr, .composer'))).toEqual([]);
    observer.disconnect();
    await engine.settle();
    engine.frame();
    expect(container.querySelector('.r-growing')?.textContent).toBe(`One two${' word'.repeat(200)}`);
    expect(container.querySelector('.r-words')).toBe(question);
  });

  it('stop stands where send stood; Escape stops too', async () => {
    engine.answer('chat.stop', { ok: true });
    await begin();
    expect(screen.queryByRole('button', { name: 'Send' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Stop (Esc)' }));
    fireEvent.keyDown(document.body, { key: 'Escape' });
    await engine.settle();
    expect(engine.inputsOf('chat.stop')).toEqual([{ id: 'c' }, { id: 'c' }]);
  });

  it('the end is said to a screen reader once, and the text stays as it is', async () => {
    const { container } = await begin();
    engine.events.send(text('Done **now**.\n\nTwo'));
    await engine.settle();
    engine.frame();
    const before = container.querySelector('.r-growing')?.textContent;
    engine.events.send({ t: 'end', message: makeAnswer('a1', 'u1', 'Done **now**.\n\nTwo', { figures: makeFigures({ answerTokens: 5 }) }) });
    await engine.settle();
    expect(before).toBe('Done now.\nTwo');
    expect([...container.querySelectorAll('.r-block')].map((r) => r.textContent)).toEqual(['Done now.', 'Two']);
    expect(container.querySelector('.r-growing')).toBeNull();
    expect([...screen.getAllByRole('status')].map((s) => s.textContent)).toContain('The answer is complete: 5 tokens.');
  });
});

describe('the composer', () => {
  it('Enter sends, Shift+Enter and a composed character do not', async () => {
    engine.answer('chat.send', { messageId: 'u', answerId: 'a' });
    await show('c', [makeUser('u1', null, 'x')]);
    fireEvent.change(box(), { target: { value: 'Hello' } });
    fireEvent.keyDown(box(), { key: 'Enter', shiftKey: true });
    fireEvent.keyDown(box(), { key: 'Enter', isComposing: true });
    expect(engine.inputsOf('chat.send')).toEqual([]);
    fireEvent.keyDown(box(), { key: 'Enter' });
    await engine.settle();
    expect(engine.inputsOf('chat.send')).toMatchObject([{ content: 'Hello', parentId: null }]);
    expect(box().value).toBe('');
  });

  it('what could not be sent is still there', async () => {
    engine.answer('chat.send', new Error('gone'));
    await show('c', [makeUser('u1', null, 'x')]);
    fireEvent.change(box(), { target: { value: 'Precious' } });
    fireEvent.keyDown(box(), { key: 'Enter' });
    await engine.settle();
    expect(box().value).toBe('Precious');
    expect(screen.getByRole('alert')).toBeDefined();
  });

  it('takes text files that are dropped, and refuses others with the reason', async () => {
    engine.answer('chat.send', { messageId: 'u', answerId: 'a' });
    const { container } = await show('c', [makeUser('u1', null, 'x')]);
    const drop = (file: File): void => void fireEvent.drop(container.querySelector('.chat') ?? container, { dataTransfer: { files: [file], types: ['Files'] } });
    drop(new File(['a,b\n1,2'], 'table.csv'));
    await engine.settle();
    drop(new File([new Uint8Array([0x50, 0x4b, 0, 1])], 'zip.zip'));
    await engine.settle();
    expect(screen.getByText('table.csv', { exact: false })).toBeDefined();
    expect(screen.getByText(/zip\.zip: it is not text/)).toBeDefined();
    expect(screen.getByText('chat.attachment')).toBeDefined();
    fireEvent.click(screen.getByRole('button', { name: 'Send' }));
    await engine.settle();
    expect(engine.inputsOf('chat.send')).toMatchObject([{ attachments: [{ name: 'table.csv', text: 'a,b\n1,2' }] }]);
  });

  it('changes the model of the conversation, and keeps words while one looks elsewhere', async () => {
    engine.answer('chat.update', ({ answerer }: { answerer: ReturnType<typeof makeConversation>['answerer'] }) => makeConversation('c', { answerer }));
    const shown = await show('c', [makeUser('u1', null, 'x')]);
    fireEvent.change(screen.getByRole('combobox', { name: 'Model' }), { target: { value: '\nm1' } });
    await engine.settle();
    expect(engine.inputsOf('chat.update')).toMatchObject([{ id: 'c', answerer: { model: 'm1', provider: null } }]);
    fireEvent.change(box(), { target: { value: 'half a thought' } });
    shown.rerender(page(null));
    await engine.settle();
    expect(box().value).toBe('');
    shown.rerender(page('c'));
    await engine.settle();
    expect(box().value).toBe('half a thought');
  });
});

it('without a model: one click, the progress right there, then the chat is ready', async () => {
  engine.answer('models.offered', [smollm]);
  engine.answer('downloads.start', makeDownload());
  engine.models.send(makeModels([]));
  engine.downloads.send([]);
  render(page(null));
  await engine.settle();
  await engine.settle();
  fireEvent.click(screen.getByRole('button', { name: 'Get SmolLM2 (98 MB)' }));
  await engine.settle();
  expect(engine.inputsOf('downloads.start')).toEqual([{ offered: 'smollm2-135m-instruct', quantisation: null }]);
  engine.downloads.send([makeDownload()]);
  await engine.settle();
  expect(screen.getByRole('progressbar', { name: /Download/ }).getAttribute('aria-valuenow')).toBe('50');
  fireEvent.change(box(), { target: { value: 'Hi' } });
  expect(screen.getByRole('button', { name: 'Send' }).hasAttribute('disabled')).toBe(true);
  engine.models.send(makeModels([makeModel('m1', { name: 'SmolLM2' })]));
  await engine.settle();
  expect(screen.queryByRole('region', { name: 'Get a model' })).toBeNull();
  expect(screen.getByRole('button', { name: 'Send' }).hasAttribute('disabled')).toBe(false);
});

describe('the instruments', () => {
  it('the badge says where the model is, and how that is known', async () => {
    await show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'y')]);
    engine.loaded.send([makeLoaded()]);
    await engine.settle();
    const badge = screen.getByRole('region', { name: 'Where the model runs' });
    expect(within(badge).getByText('On the GPU')).toBeDefined();
    expect(within(badge).getByRole('img', { name: '33 of 33 layers on the GPU' }).children).toHaveLength(33);
    fireEvent.click(within(badge).getByRole('button', { name: 'How this is known (2)' }));
    expect(within(badge).getByText('33 of 33')).toBeDefined();
    expect(within(badge).getByRole('img', { name: 'could not be told' })).toBeDefined();
  });

  it('red says the cause, and its remedy is a button', async () => {
    engine.answer('inference.load', makeLoaded());
    await show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'y')]);
    const problem = { ...makeProblem('truth.not_on_gpu', { detail: 'None of the 33 layers is on a GPU.', remedy: 'Load it with all layers.' }), actions: [{ kind: 'call' as const, label: 'Reload with 33 layers', operation: 'inference.load', input: { model: 'm1', settings: { gpuLayers: 33 } } }, { kind: 'call' as const, label: 'Something else', operation: 'engine.stop', input: {} }] };
    engine.loaded.send([makeLoaded({ truth: makeTruth({ verdict: 'not_on_gpu', colour: 'red', title: 'On the CPU', layersOnGpu: 0, placed: [], problem }) })]);
    await engine.settle();
    expect(screen.getByText('None of the 33 layers is on a GPU. Load it with all layers.')).toBeDefined();
    // Only what belongs to models is offered.
    expect(screen.queryByRole('button', { name: 'Something else' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Reload with 33 layers' }));
    await engine.settle();
    expect(engine.inputsOf('inference.load')).toMatchObject([{ model: 'm1', settings: { gpuLayers: 33 } }]);
  });

  it('what is not reported is a dash with its reason', async () => {
    await show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'y', { figures: makeFigures({ joulesPerToken: null, joules: null }) })]);
    expect(screen.getByRole('note', { name: 'not reported: No GPU reported its energy for this answer alone.' })).toBeDefined();
  });
});

it('links of answers are opened outside, after asking', async () => {
  await show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'See [it](https://a.example/x).')]);
  fireEvent.click(screen.getByRole('link', { name: 'it' }));
  await engine.settle();
  expect(app.ui.getState().question).toMatchObject({ title: 'Open a.example?', detail: 'https://a.example/x' });
  expect(app.opened).toEqual([]);
  app.ui.getState().answer(true);
  await engine.settle();
  expect(app.opened).toEqual(['https://a.example/x']);
});

it('conversations are found, renamed by F2, binned by Delete and brought back', async () => {
  engine.conversations.send([makeConversation('a'), makeConversation('b')]);
  engine.answer('chat.update', makeConversation('a', { title: 'Better' }));
  engine.answer('chat.remove', { ok: true });
  engine.answer('chat.restore', makeConversation('a'));
  await show(null);
  const list = screen.getByRole('navigation', { name: 'Conversations' });
  fireEvent.keyDown(within(list).getByRole('link', { name: /About a/ }), { key: 'F2' });
  fireEvent.change(screen.getByRole('textbox', { name: 'Title' }), { target: { value: 'Better' } });
  fireEvent.submit(screen.getByRole('textbox', { name: 'Title' }));
  await engine.settle();
  expect(engine.inputsOf('chat.update')).toEqual([{ id: 'a', title: 'Better' }]);
  fireEvent.keyDown(within(list).getByRole('link', { name: /About a/ }), { key: 'Delete' });
  await engine.settle();
  expect(within(list).queryByRole('link', { name: /About a/ })).toBeNull();
  fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
  await engine.settle();
  expect(engine.inputsOf('chat.restore')).toEqual([{ id: 'a' }]);
  expect(location.hash).toBe('#/chat/a');
});

it('saves a conversation', async () => {
  engine.answer('chat.export', { fileName: 'about-c.md', text: '# About c' });
  await show('c', [makeUser('u1', null, 'x')]);
  fireEvent.click(screen.getByRole('button', { name: 'Save as Markdown' }));
  await engine.settle();
  expect(app.saved).toEqual([{ name: 'about-c.md', text: '# About c' }]);
});

it('settings say whether they change the answer', async () => {
  engine.answer('inference.settingNotes', [{ key: 'threads', flag: '-t', title: 'Threads', does: 'How many.', changesAnswer: false, unit: null }, { key: 'cacheTypeK', flag: '-ctk', title: 'Keys', does: 'Type.', changesAnswer: true, unit: null }]);
  engine.answer('chat.update', ({ answerer }: { answerer: ReturnType<typeof makeConversation>['answerer'] }) => makeConversation('c', { answerer }));
  await show('c', [makeUser('u1', null, 'x')]);
  fireEvent.click(screen.getByRole('button', { name: 'Settings' }));
  await engine.settle();
  expect(screen.getByText('only speed')).toBeDefined();
  expect(screen.getByText('changes the answer', { selector: '.tag' })).toBeDefined();
  fireEvent.change(screen.getByRole('combobox', { name: 'Keys' }), { target: { value: 'q8_0' } });
  const threads = screen.getByRole('textbox', { name: 'Threads' });
  fireEvent.change(threads, { target: { value: '3' } });
  fireEvent.keyDown(threads, { key: 'Enter' });
  const temperature = screen.getByRole('textbox', { name: 'Temperature' });
  fireEvent.change(temperature, { target: { value: 'NaN' } });
  fireEvent.keyDown(temperature, { key: 'Enter' });
  await engine.settle();
  expect(engine.inputsOf('chat.update').at(-1)).toMatchObject({ answerer: { settings: { cacheTypeK: 'q8_0', threads: 3 }, sampling: {} } });
});

it('stands the strict mode of React', async () => {
  engine.answer('chat.page', makePage('c', [makeUser('u1', null, 'Hi'), makeAnswer('a1', 'u1', '', writing)]));
  render(<StrictMode>{page('c')}</StrictMode>);
  await engine.settle();
  engine.events.send({ t: 'text', messageId: 'a1', text: 'Words', channel: 'answer', tokens: 1, atMs: 1 });
  await engine.settle();
  engine.frame();
  expect(screen.getByText('Words')).toBeDefined();
});
