import { expect, test } from 'vitest';
import { makeProblem } from '../contract/problem-catalogue.ts';
import { parseEngineLock, parseFirstWords } from './engine-words.ts';

test.each([['', null], ['{', null], ['{"pid":0,"socket":"/s"}', null], ['{"pid":3}', null], ['{"pid":3,"socket":"/s","version":"0.1.0"}', { pid: 3, socket: '/s' }]])('lock %s', (text, expected) => {
  expect(parseEngineLock(text)).toEqual(expected);
});

test('the first words of an engine', () => {
  const locked = makeProblem('engine.locked', { pid: 3, dataDir: '/d' });
  expect(parseFirstWords('{"ready":true,"socket":"/s","pid":4}')).toEqual({ kind: 'ready', socket: '/s' });
  expect(parseFirstWords(JSON.stringify({ problem: locked }))).toEqual({ kind: 'problem', problem: locked });
  expect(parseFirstWords('Segmentation fault')).toEqual({ kind: 'garbled' });
  expect(parseFirstWords('{"ready":"yes"}')).toEqual({ kind: 'garbled' });
});
