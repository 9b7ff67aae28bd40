import { expect, test } from 'vitest';
import { decideAfterAnswer, decideClose, wordCloseQuestion } from './close-decision.ts';

const calm = { jobsRunning: [], closeToTray: false, trayAvailable: true, quitting: false, platform: 'linux' } as const;

test.each([
  ['nothing runs', calm, 'close'],
  ['a job runs', { ...calm, jobsRunning: ['Upgrade'] }, 'ask'],
  ['close to tray', { ...calm, closeToTray: true }, 'hide'],
  ['close to tray, with a job: it is not in danger', { ...calm, closeToTray: true, jobsRunning: ['Upgrade'] }, 'hide'],
  ['close to a tray that is not there', { ...calm, closeToTray: true, trayAvailable: false }, 'close'],
  ['quit goes past the tray', { ...calm, closeToTray: true, quitting: true }, 'close'],
  ['quit with a job', { ...calm, closeToTray: true, quitting: true, jobsRunning: ['x'] }, 'ask'],
  ['macOS keeps the app', { ...calm, platform: 'darwin' }, 'hide'],
] as const)('%s', (_, facts, expected) => {
  expect(decideClose(facts)).toBe(expected);
});

test('the question names what runs', () => {
  expect(wordCloseQuestion(['Upgrading ComfyUI']).message).toBe('Upgrading ComfyUI is running.');
  expect(wordCloseQuestion(['a', 'b', 'c', 'd', 'e', 'f'])).toEqual({ message: '6 jobs are running.', detail: expect.stringMatching(/^a\nb\nc\nd\ne\n…\n\n/) as string });
});

test('an AppImage lingers for its jobs', () => {
  expect([decideAfterAnswer('keep', false), decideAfterAnswer('keep', true), decideAfterAnswer('stop', true), decideAfterAnswer('cancel', false)]).toEqual(['close', 'linger', 'stop-and-close', 'stay']);
});
