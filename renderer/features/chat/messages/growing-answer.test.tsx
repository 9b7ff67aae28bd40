import { act, fireEvent, render, screen } from '@testing-library/react';
import { StrictMode } from 'react';
import { describe, expect, it } from 'vitest';
import { stageForEach, writing } from '../test-support-page.tsx';
import { makeAnswer, makeFigures, makePage, makeUser } from '../test-support.tsx';

const stage = stageForEach();

describe('while an answer is written', () => {
  async function begin(): Promise<ReturnType<typeof render>> {
    const shown = await stage.show('c', [makeUser('u1', null, 'Hi'), makeAnswer('a1', 'u1', '', writing)]);
    stage.engine.events.send({ t: 'so_far', messageId: 'a1', content: '', thinking: '', tokens: 0 });
    await stage.engine.settle();
    stage.engine.frame();
    return shown;
  }
  const text = (t: string) => ({ t: 'text' as const, messageId: 'a1', text: t, channel: 'answer' as const, tokens: 1, atMs: 1 });

  it('commits once a frame, and only the open message', async () => {
    const { container } = await begin();
    stage.engine.events.send(text('One two'));
    await stage.engine.settle();
    stage.engine.frame();
    const question = container.querySelector('.r-words');
    const touched: MutationRecord[] = [];
    const observer = new MutationObserver((list) => touched.push(...list));
    observer.observe(container, { subtree: true, childList: true, characterData: true });
    const before = stage.commits();
    const perFrame: number[] = [];
    for (let frame = 0; frame < 10; frame++) {
      // Far more pieces than frames.
      for (let i = 0; i < 20; i++) stage.engine.events.send(text(' word'));
      await act(async () => { for (let i = 0; i < 25; i++) await Promise.resolve(); });
      const drawn = stage.commits();
      stage.engine.frame();
      perFrame.push(stage.commits() - drawn);
    }
    expect(Math.max(...perFrame)).toBe(1);
    // Between the frames no piece is drawn; the list alone notes that it was scrolled, and, 150 ms by the clock later, no longer is.
    expect(stage.commits() - before - perFrame.reduce((a, b) => a + b)).toBeLessThanOrEqual(2);
    touched.push(...observer.takeRecords());
    expect(touched.length).toBeGreaterThan(0);
    expect(touched.filter((m) => (m.target instanceof Element ? m.target : m.target.parentElement)?.closest('.row.me, .convs, .instr, .composer'))).toEqual([]);
    observer.disconnect();
    await stage.engine.settle();
    stage.engine.frame();
    expect(container.querySelector('.r-growing')?.textContent).toBe(`One two${' word'.repeat(200)}`);
    expect(container.querySelector('.r-words')).toBe(question);
  });

  it('stop stands where send stood; Escape stops too', async () => {
    stage.engine.answer('chat.stop', { ok: true });
    await begin();
    expect(screen.queryByRole('button', { name: 'Send' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Stop (Esc)' }));
    fireEvent.keyDown(document.body, { key: 'Escape' });
    await stage.engine.settle();
    expect(stage.engine.inputsOf('chat.stop')).toEqual([{ id: 'c' }, { id: 'c' }]);
  });

  it('the end is said to a screen reader once, and the text stays as it is', async () => {
    const { container } = await begin();
    stage.engine.events.send(text('Done **now**.\n\nTwo'));
    await stage.engine.settle();
    stage.engine.frame();
    const before = container.querySelector('.r-growing')?.textContent;
    stage.engine.events.send({ t: 'end', message: makeAnswer('a1', 'u1', 'Done **now**.\n\nTwo', { figures: makeFigures({ answerTokens: 5 }) }) });
    await stage.engine.settle();
    expect(before).toBe('Done now.\nTwo');
    expect([...container.querySelectorAll('.r-block')].map((r) => r.textContent)).toEqual(['Done now.', 'Two']);
    expect(container.querySelector('.r-growing')).toBeNull();
    expect([...screen.getAllByRole('status')].map((s) => s.textContent)).toContain('The answer is complete: 5 tokens.');
  });
});

it('stands the strict mode of React', async () => {
  stage.engine.answer('chat.page', makePage('c', [makeUser('u1', null, 'Hi'), makeAnswer('a1', 'u1', '', writing)]));
  render(<StrictMode>{stage.page('c')}</StrictMode>);
  await stage.engine.settle();
  stage.engine.events.send({ t: 'text', messageId: 'a1', text: 'Words', channel: 'answer', tokens: 1, atMs: 1 });
  await stage.engine.settle();
  stage.engine.frame();
  expect(screen.getByText('Words')).toBeDefined();
});
