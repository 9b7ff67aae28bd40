import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it } from 'vitest';
import { NumberField, parseField } from './number-field.tsx';

afterEach(cleanup);

it.each([['85', 85], ['85,5', 85.5], ['  7 ', 30], ['999', 120], ['', null], ['warm', undefined], ['1e400', undefined]])('%j means %j', (text, value) => {
  expect(parseField(text, 30, 120)).toBe(value);
});

describe('NumberField', () => {
  const mount = (optional = false): { changes: (number | null)[]; input: HTMLElement } => {
    const changes: (number | null)[] = [];
    render(<NumberField label="Limit" value={85} unit="°C" min={30} max={120} optional={optional} onChange={(v) => changes.push(v)} />);
    return { changes, input: screen.getByRole('textbox', { name: 'Limit' }) };
  };
  it('counts on Enter, not while typing', async () => {
    const { changes, input } = mount();
    await userEvent.type(input, '9', { initialSelectionStart: 0, initialSelectionEnd: 2 });
    expect(changes).toEqual([]);
    await userEvent.type(input, '0{Enter}');
    expect(changes).toEqual([90]);
  });
  it('puts the old one back on Escape', async () => {
    const { changes, input } = mount();
    await userEvent.type(input, '1{Escape}');
    expect(input).toHaveProperty('value', '85');
    await userEvent.tab();
    expect(changes).toEqual([]);
  });
  it('steps with the arrows', async () => {
    const { changes, input } = mount();
    await userEvent.type(input, '{ArrowUp}');
    expect(changes).toEqual([86]);
  });
  it('may be emptied only when it is optional', async () => {
    const required = mount();
    await userEvent.clear(required.input);
    await userEvent.tab();
    expect(required.changes).toEqual([]);
    cleanup();
    const optional = mount(true);
    await userEvent.clear(optional.input);
    await userEvent.tab();
    expect(optional.changes).toEqual([null]);
  });
});
