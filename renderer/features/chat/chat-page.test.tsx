import { fireEvent, render, screen, within } from '@testing-library/react';
import { expect, it } from 'vitest';
import { stageForEach } from './test-support-page.tsx';
import { makeConversation, makeDownload, makeModel, makeModels, makeUser, smollm } from './test-support.tsx';

const stage = stageForEach();
const box = (): HTMLTextAreaElement => screen.getByRole('textbox', { name: 'Message' });

it('without a model: one click, the progress right there, then the chat is ready', async () => {
  stage.engine.answer('models.offered', [smollm]);
  stage.engine.answer('downloads.start', makeDownload());
  stage.engine.models.send(makeModels([]));
  stage.engine.downloads.send([]);
  render(stage.page(null));
  await stage.engine.settle();
  await stage.engine.settle();
  fireEvent.click(screen.getByRole('button', { name: 'Get SmolLM2 (98 MB)' }));
  await stage.engine.settle();
  expect(stage.engine.inputsOf('downloads.start')).toEqual([{ offered: 'smollm2-135m-instruct', quantisation: null }]);
  stage.engine.downloads.send([makeDownload()]);
  await stage.engine.settle();
  expect(screen.getByRole('progressbar', { name: /Download/ }).getAttribute('aria-valuenow')).toBe('50');
  fireEvent.change(box(), { target: { value: 'Hi' } });
  expect(screen.getByRole('button', { name: 'Send' }).hasAttribute('disabled')).toBe(true);
  stage.engine.models.send(makeModels([makeModel('m1', { name: 'SmolLM2' })]));
  await stage.engine.settle();
  expect(screen.queryByRole('region', { name: 'Get a model' })).toBeNull();
  expect(screen.getByRole('button', { name: 'Send' }).hasAttribute('disabled')).toBe(false);
});

it('conversations are found, renamed by F2, binned by Delete and brought back', async () => {
  stage.engine.conversations.send([makeConversation('a'), makeConversation('b')]);
  stage.engine.answer('chat.update', makeConversation('a', { title: 'Better' }));
  stage.engine.answer('chat.remove', { ok: true });
  stage.engine.answer('chat.restore', makeConversation('a'));
  await stage.show(null);
  const list = screen.getByRole('navigation', { name: 'Conversations' });
  fireEvent.keyDown(within(list).getByRole('link', { name: /About a/ }), { key: 'F2' });
  fireEvent.change(screen.getByRole('textbox', { name: 'Title' }), { target: { value: 'Better' } });
  fireEvent.submit(screen.getByRole('textbox', { name: 'Title' }));
  await stage.engine.settle();
  expect(stage.engine.inputsOf('chat.update')).toEqual([{ id: 'a', title: 'Better' }]);
  fireEvent.keyDown(within(list).getByRole('link', { name: /About a/ }), { key: 'Delete' });
  await stage.engine.settle();
  expect(within(list).queryByRole('link', { name: /About a/ })).toBeNull();
  fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
  await stage.engine.settle();
  expect(stage.engine.inputsOf('chat.restore')).toEqual([{ id: 'a' }]);
  expect(location.hash).toBe('#/chat/a');
});

it('saves a conversation', async () => {
  stage.engine.answer('chat.export', { fileName: 'about-c.md', text: '# About c' });
  await stage.show('c', [makeUser('u1', null, 'x')]);
  fireEvent.click(screen.getByRole('button', { name: 'Save as Markdown' }));
  await stage.engine.settle();
  expect(stage.app.saved).toEqual([{ name: 'about-c.md', text: '# About c' }]);
});

it('settings say whether they change the answer', async () => {
  stage.engine.answer('inference.settingNotes', [{ key: 'threads', flag: '-t', title: 'Threads', does: 'How many.', changesAnswer: false, unit: null }, { key: 'cacheTypeK', flag: '-ctk', title: 'Keys', does: 'Type.', changesAnswer: true, unit: null }]);
  stage.engine.answer('chat.update', ({ answerer }: { answerer: ReturnType<typeof makeConversation>['answerer'] }) => makeConversation('c', { answerer }));
  await stage.show('c', [makeUser('u1', null, 'x')]);
  fireEvent.click(screen.getByRole('button', { name: 'Settings' }));
  await stage.engine.settle();
  expect(screen.getByText('only speed')).toBeDefined();
  expect(screen.getByText('changes the answer', { selector: '.tag' })).toBeDefined();
  fireEvent.change(screen.getByRole('combobox', { name: 'Keys' }), { target: { value: 'q8_0' } });
  const threads = screen.getByRole('textbox', { name: 'Threads' });
  fireEvent.change(threads, { target: { value: '3' } });
  fireEvent.keyDown(threads, { key: 'Enter' });
  const temperature = screen.getByRole('textbox', { name: 'Temperature' });
  fireEvent.change(temperature, { target: { value: 'NaN' } });
  fireEvent.keyDown(temperature, { key: 'Enter' });
  await stage.engine.settle();
  expect(stage.engine.inputsOf('chat.update').at(-1)).toMatchObject({ answerer: { settings: { cacheTypeK: 'q8_0', threads: 3 }, sampling: {} } });
});
