import { expect, test } from 'vitest';
import { decideSender } from './sender-guard.ts';

const good = { frame: { url: 'app://bundle/index.html#/alerts', isMainFrame: true }, knownWindow: true };

test.each([
  ['our page', good, 'listen'],
  ['a window that we do not know', { ...good, knownWindow: false }, 'ignore'],
  ['a frame that is gone', { ...good, frame: null }, 'ignore'],
  ['a frame inside our page', { ...good, frame: { ...good.frame, isMainFrame: false } }, 'ignore'],
  ['another origin', { ...good, frame: { url: 'https://evil.example/', isMainFrame: true } }, 'ignore'],
  ['an origin that looks like ours', { ...good, frame: { url: 'app://bundle.evil/index.html', isMainFrame: true } }, 'ignore'],
  ['a file of ours that is not the page', { ...good, frame: { url: 'app://bundle/licences.txt', isMainFrame: true } }, 'ignore'],
  ['an empty address', { ...good, frame: { url: '', isMainFrame: true } }, 'ignore'],
] as const)('%s', (_, facts, expected) => {
  expect(decideSender(facts)).toBe(expected);
});
