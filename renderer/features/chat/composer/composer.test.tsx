import { fireEvent, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { stageForEach } from '../test-support-page.tsx';
import { makeConversation, makeUser } from '../test-support.tsx';

const stage = stageForEach();
const box = (): HTMLTextAreaElement => screen.getByRole('textbox', { name: 'Message' });

describe('the composer', () => {
  it('Enter sends, Shift+Enter and a composed character do not', async () => {
    stage.engine.answer('chat.send', { messageId: 'u', answerId: 'a' });
    await stage.show('c', [makeUser('u1', null, 'x')]);
    fireEvent.change(box(), { target: { value: 'Hello' } });
    fireEvent.keyDown(box(), { key: 'Enter', shiftKey: true });
    fireEvent.keyDown(box(), { key: 'Enter', isComposing: true });
    expect(stage.engine.inputsOf('chat.send')).toEqual([]);
    fireEvent.keyDown(box(), { key: 'Enter' });
    await stage.engine.settle();
    expect(stage.engine.inputsOf('chat.send')).toMatchObject([{ content: 'Hello', parentId: null }]);
    expect(box().value).toBe('');
  });

  it('what could not be sent is still there', async () => {
    stage.engine.answer('chat.send', new Error('gone'));
    await stage.show('c', [makeUser('u1', null, 'x')]);
    fireEvent.change(box(), { target: { value: 'Precious' } });
    fireEvent.keyDown(box(), { key: 'Enter' });
    await stage.engine.settle();
    expect(box().value).toBe('Precious');
    expect(screen.getByRole('alert')).toBeDefined();
  });

  it('takes text files that are dropped, and refuses others with the reason', async () => {
    stage.engine.answer('chat.send', { messageId: 'u', answerId: 'a' });
    const { container } = await stage.show('c', [makeUser('u1', null, 'x')]);
    const drop = (file: File): void => void fireEvent.drop(container.querySelector('.chat') ?? container, { dataTransfer: { files: [file], types: ['Files'] } });
    drop(new File(['a,b\n1,2'], 'table.csv'));
    await stage.engine.settle();
    drop(new File([new Uint8Array([0x50, 0x4b, 0, 1])], 'zip.zip'));
    await stage.engine.settle();
    expect(screen.getByText('table.csv', { exact: false })).toBeDefined();
    expect(screen.getByText(/zip\.zip: it is not text/)).toBeDefined();
    expect(screen.getByText('chat.attachment')).toBeDefined();
    fireEvent.click(screen.getByRole('button', { name: 'Send' }));
    await stage.engine.settle();
    expect(stage.engine.inputsOf('chat.send')).toMatchObject([{ attachments: [{ name: 'table.csv', text: 'a,b\n1,2' }] }]);
  });

  it('changes the model of the conversation, and keeps words while one looks elsewhere', async () => {
    stage.engine.answer('chat.update', ({ answerer }: { answerer: ReturnType<typeof makeConversation>['answerer'] }) => makeConversation('c', { answerer }));
    const shown = await stage.show('c', [makeUser('u1', null, 'x')]);
    fireEvent.change(screen.getByRole('combobox', { name: 'Model' }), { target: { value: '\nm1' } });
    await stage.engine.settle();
    expect(stage.engine.inputsOf('chat.update')).toMatchObject([{ id: 'c', answerer: { model: 'm1', provider: null } }]);
    fireEvent.change(box(), { target: { value: 'half a thought' } });
    shown.rerender(stage.page(null));
    await stage.engine.settle();
    expect(box().value).toBe('');
    shown.rerender(stage.page('c'));
    await stage.engine.settle();
    expect(box().value).toBe('half a thought');
  });
});
