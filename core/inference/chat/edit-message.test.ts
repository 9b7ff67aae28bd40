import { expect, it, onTestFinished } from 'vitest';
import { problemOf } from '../../../contract/problem.ts';
import { ask, openChat, readyModel } from './fixtures/chat-fixtures.ts';
import type { ChatOptions } from './create-chat.ts';

const files = ['a', 'b', 'c'].map((name) => ({ name: `${name}.txt`, text: `text of ${name}` }));

it('a message that is edited keeps the files that it had, in their order, and the model reads them', async () => {
  const read: string[] = [];
  const model: ChatOptions['answer'] = async (answerer) => {
    const ready = await readyModel('Done.')(answerer);
    return { ...ready, answer: (request, signal) => {
      read.push((request.turns ?? []).map((turn) => turn.content).join('\n'));
      return ready.answer(request, signal);
    } };
  };
  const { chat, close } = openChat(null, model);
  onTestFinished(close);
  const { id } = await chat.create({});
  const { messageId } = await ask(chat, id, 'Compare them', { attachments: files });
  const edited = await ask(chat, id, 'Compare two', { parentId: '', kept: { messageId, places: [0, 2, 2] }, attachments: [{ name: 'd.txt', text: 'text of d' }] });
  const page = await chat.page(id, null, 10);
  expect(page.messages[0]).toMatchObject({ id: edited.messageId, content: 'Compare two', attachments: [{ name: 'a.txt', characters: 9 }, { name: 'c.txt' }, { name: 'd.txt' }] });
  expect(page.branches[edited.messageId]).toEqual([messageId, edited.messageId]);
  expect(read[1]).toContain('text of a');
  expect(read[1]).toContain('text of c');
  expect(read[1]).toContain('text of d');
  expect(read[1]).not.toContain('text of b');
  // The old one has all of its own still.
  await chat.update(id, { headId: messageId });
  expect((await chat.page(id, null, 10)).messages[0]?.attachments).toHaveLength(3);
});

it('files that are not there, of another conversation, or too many, are refused, and nothing is sent', async () => {
  const { chat, close } = openChat(null, readyModel('Done.'));
  onTestFinished(close);
  const [one, other] = [await chat.create({}), await chat.create({})];
  const { messageId } = await ask(chat, one.id, 'Read', { attachments: files });
  const codeOf = (work: Promise<unknown>): Promise<string | undefined> => work.then(() => 'sent', (error: unknown) => problemOf(error)?.code);
  const send = { parentId: null, content: 'again', attachments: [] };
  expect(await codeOf(chat.send({ ...send, conversationId: one.id, kept: { messageId, places: [3] } }))).toBe('chat.not_found');
  expect(await codeOf(chat.send({ ...send, conversationId: one.id, kept: { messageId: 'nothing', places: [0] } }))).toBe('chat.not_found');
  expect(await codeOf(chat.send({ ...send, conversationId: other.id, kept: { messageId, places: [0] } }))).toBe('chat.not_found');
  const many = Array.from({ length: 30 }, (_, at) => ({ name: `${at}.txt`, text: 'x' }));
  expect(await codeOf(chat.send({ ...send, conversationId: one.id, attachments: many, kept: { messageId, places: [0, 1, 2] } }))).toBe('chat.attachment');
  expect((await chat.page(one.id, null, 10)).total).toBe(2);
  expect((await chat.page(other.id, null, 10)).total).toBe(0);
});
