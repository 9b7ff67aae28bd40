import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it } from 'vitest';
import { decideTipPlace } from './tip.tsx';
import { NotReported } from './value.tsx';

afterEach(cleanup);

const view = { width: 1000, height: 600 };
const tip = { width: 200, height: 50 };
it.each([
  ['under its target', { left: 100, top: 80, bottom: 100 }, { left: 100, top: 106 }],
  ['above where there is no room', { left: 100, top: 560, bottom: 580 }, { left: 100, top: 504 }],
  ['not over the right edge', { left: 950, top: 80, bottom: 100 }, { left: 792, top: 106 }],
  ['not over the left edge', { left: -20, top: 80, bottom: 100 }, { left: 8, top: 106 }],
])('a tip goes %s', (_, target, place) => {
  expect(decideTipPlace(target, tip, view)).toEqual(place);
});

it('tells by keyboard why a value is not reported', async () => {
  render(<NotReported reason="This board does not expose its memory temperature." />);
  expect(screen.queryByRole('tooltip')).toBeNull();
  await userEvent.tab();
  expect(screen.getByRole('tooltip').textContent).toBe('This board does not expose its memory temperature.');
  await userEvent.keyboard('{Escape}');
  expect(screen.queryByRole('tooltip')).toBeNull();
});
