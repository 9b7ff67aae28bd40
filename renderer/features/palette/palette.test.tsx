import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AppProvider, type App } from '../../app/context.tsx';
import { createIntentRegistry, type Intent } from '../../app/intents.ts';
import { findIntents } from './find-intents.ts';
import { Palette } from './palette.tsx';

const intent = (id: string, title: string, more: Partial<Intent> = {}): Intent => ({ id, title, group: 'do', icon: 'run', guard: () => null, perform: () => undefined, ...more });

describe('findIntents', () => {
  const all = [intent('a', 'Save report…', { words: 'bundle' }), intent('b', 'Go on', { group: 'go', detail: 'a report' }), intent('c', 'Replay', { guard: () => 'no recording' }), intent('gpu.1', 'GPU 1', { group: 'go' })];
  const titles = (input: string): string[] => findIntents(all, input).map((g) => `${g.title}: ${g.items.map((i) => i.intent.id).join(' ')}`);
  it('groups by what can be done, and says what cannot', () => {
    expect(titles('')).toEqual(['Do: a', 'Go to: b gpu.1', 'Cannot be done now: c']);
    expect(findIntents(all, 'rep').at(-1)?.items[0]?.reason).toBe('no recording');
  });
  it('finds by other words too, from their start', () => {
    expect(titles('bund')).toEqual(['Do: a']);
    expect(titles('undle')).toEqual([]);
  });
  it('marks the match', () => {
    expect(findIntents(all, 'REP')[0]?.items[0]?.mark).toEqual([5, 8]);
  });
  it('asks for commands only, or for GPUs', () => {
    expect(titles('>')).toEqual(['Do: a', 'Cannot be done now: c']);
    expect(titles('@')).toEqual(['Go to: gpu.1']);
  });
});

describe('by keyboard', () => {
  // jsdom has the element, not its methods; a browser has both.
  beforeAll(() => {
    HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
      this.setAttribute('open', '');
    };
    HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
      this.removeAttribute('open');
    };
  });
  afterEach(cleanup);

  const mount = (): { done: string[]; closed: () => number } => {
    const done: string[] = [];
    let closed = 0;
    const intents = createIntentRegistry(() => undefined);
    intents.register([intent('one', 'Take one', { perform: () => void done.push('one') }), intent('two', 'Take two', { perform: () => void done.push('two') }), intent('no', 'Take nothing', { guard: () => 'there is none', perform: () => void done.push('no') })]);
    render(
      <AppProvider app={{ intents } as App}>
        <Palette onClose={() => (closed += 1)} />
      </AppProvider>,
    );
    return { done, closed: () => closed };
  };
  const selected = (): string | null => screen.getAllByRole('option', { selected: true })[0]?.textContent ?? null;

  it('chooses with the arrows and performs with Enter', async () => {
    const { done, closed } = mount();
    const input = screen.getByRole('combobox');
    expect(document.activeElement).toBe(input);
    await userEvent.keyboard('{ArrowDown}{Enter}');
    await Promise.resolve();
    expect(done).toEqual(['two']);
    expect(closed()).toBe(1);
  });
  it('goes round, and starts at the top after typing', async () => {
    mount();
    await userEvent.keyboard('{ArrowUp}');
    expect(selected()).toContain('Take nothing');
    await userEvent.keyboard('two');
    expect(selected()).toContain('Take two');
    expect(screen.getByRole('combobox').getAttribute('aria-activedescendant')).toBe('pal-0');
  });
  it('does not perform what cannot be done now', async () => {
    const { done, closed } = mount();
    await userEvent.keyboard('nothing{Enter}');
    await Promise.resolve();
    expect(done).toEqual([]);
    expect(closed()).toBe(0);
  });
  it('says when nothing is found', async () => {
    mount();
    await userEvent.keyboard('zzz');
    expect(screen.getByText(/Nothing is called/)).toBeDefined();
  });
});
