import { fireEvent, screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { makeProblem } from '../../../../contract/problem-catalogue.ts';
import { stageForEach } from '../test-support-page.tsx';
import { makeAnswer, makeConversation, makeUser } from '../test-support.tsx';

const stage = stageForEach();

describe('a conversation', () => {
  it('shows who said what, with the figures under each answer', async () => {
    await stage.show('c', [makeUser('u1', null, 'What is **this**?', { attachments: [{ name: 'a.txt', characters: 2048 }] }), makeAnswer('a1', 'u1', 'It is *this*.', {}, { thinking: 'hm', thinkingTokens: 3 })]);
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
    stage.engine.answer('chat.update', makeConversation('c'));
    stage.engine.answer('chat.regenerate', { answerId: 'a9' });
    stage.engine.answer('chat.send', { messageId: 'u9', answerId: 'a9' });
    await stage.show('c', [makeUser('u1', null, 'Old words'), makeAnswer('a2', 'u1', 'Two')], { branches: { a2: ['a1', 'a2', 'a3'] } });
    const branch = screen.getByRole('group', { name: 'Version 2 of 3' });
    expect(branch.textContent).toContain('2 of 3');
    fireEvent.click(within(branch).getByRole('button', { name: 'Version after' }));
    fireEvent.click(screen.getByRole('button', { name: 'Answer again' }));
    await stage.engine.settle();
    expect(stage.engine.inputsOf('chat.update')).toEqual([{ id: 'c', headId: 'a3' }]);
    expect(stage.engine.inputsOf('chat.regenerate')).toEqual([{ conversationId: 'c', messageId: 'a2' }]);
    fireEvent.click(screen.getByRole('button', { name: 'Edit' }));
    await stage.engine.settle();
    const edit = screen.getByRole('textbox', { name: 'Edit the message' });
    fireEvent.change(edit, { target: { value: 'New words' } });
    fireEvent.keyDown(edit, { key: 'Enter' });
    await stage.engine.settle();
    expect(stage.engine.inputsOf('chat.send')).toMatchObject([{ conversationId: 'c', parentId: '', content: 'New words' }]);
  });

  it('an answer that failed says why, and can be asked for again', async () => {
    stage.engine.answer('chat.regenerate', { answerId: 'a9' });
    await stage.show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'half of', { reason: 'interrupted', problem: makeProblem('generate.interrupted', { detail: 'Its process ended.' }) })]);
    expect(screen.getByText('half of')).toBeDefined();
    expect(screen.getByText('The answer was interrupted.', { exact: false })).toBeDefined();
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await stage.engine.settle();
    expect(stage.engine.inputsOf('chat.regenerate')).toHaveLength(1);
  });

  it('a very long message is folded, and unfolds in pieces', async () => {
    const long = Array.from({ length: 12_000 }, (_, i) => `Paragraph ${i}.`).join('\n\n');
    const { container } = await stage.show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', long)]);
    expect(container.querySelectorAll('*').length).toBeLessThan(2000);
    fireEvent.click(screen.getByRole('button', { name: /^Show all/ }));
    await stage.engine.settle();
    expect(screen.queryByRole('button', { name: /^Show all/ })).toBeNull();
    expect(container.querySelectorAll('*').length).toBeLessThan(2000);
  });

  it('thousands of messages cost what is seen of them', async () => {
    const messages = Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? makeUser(`m${i}`, i === 0 ? null : `m${i - 1}`, `Question ${i}`) : makeAnswer(`m${i}`, `m${i - 1}`, `Answer **${i}**.\n\nMore.`)));
    const { container } = await stage.show('c', messages);
    expect(container.querySelectorAll('*').length).toBeLessThan(2000);
  });

  it('a message that is edited keeps its files, but for those that are taken off', async () => {
    stage.engine.answer('chat.send', { messageId: 'u9', answerId: 'a9' });
    await stage.show('c', [makeUser('u1', null, 'Compare them', { attachments: [{ name: 'a.txt', characters: 10 }, { name: 'b.txt', characters: 20 }, { name: 'c.txt', characters: 30 }] }), makeAnswer('a1', 'u1', 'Done.')]);
    fireEvent.click(screen.getByRole('button', { name: 'Edit' }));
    await stage.engine.settle();
    expect(screen.queryByRole('list', { name: 'Attached files' })).toBeNull();
    const files = screen.getByRole('list', { name: 'Files that go with the message' });
    expect(files.children).toHaveLength(3);
    fireEvent.click(within(files).getByRole('button', { name: 'Remove b.txt' }));
    expect(document.activeElement).toBe(screen.getByRole('textbox', { name: 'Edit the message' }));
    // Its words may go: the files alone are a message, too.
    fireEvent.change(screen.getByRole('textbox', { name: 'Edit the message' }), { target: { value: '' } });
    fireEvent.keyDown(screen.getByRole('textbox', { name: 'Edit the message' }), { key: 'Enter' });
    await stage.engine.settle();
    expect(stage.engine.inputsOf('chat.send')).toEqual([{ conversationId: 'c', parentId: '', content: '', attachments: [], kept: { messageId: 'u1', places: [0, 2] } }]);
  });
});

it('links of answers are opened outside, after asking', async () => {
  await stage.show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'See [it](https://a.example/x).')]);
  fireEvent.click(screen.getByRole('link', { name: 'it' }));
  await stage.engine.settle();
  expect(stage.app.ui.getState().question).toMatchObject({ title: 'Open a.example?', detail: 'https://a.example/x' });
  expect(stage.app.opened).toEqual([]);
  stage.app.ui.getState().answer(true);
  await stage.engine.settle();
  expect(stage.app.opened).toEqual(['https://a.example/x']);
});
