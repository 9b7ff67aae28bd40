import { expect, it } from 'vitest';
import { parsePastedAddress, parseTokenFragment } from './web-transport.ts';

it.each([
  ['#token=abcDEF-_.123', 'abcDEF-_.123', ''],
  ['#token=abc&/alerts', 'abc', '#/alerts'],
  ['#token=abc&/monitor?bench=1', 'abc', '#/monitor?bench=1'],
  ['#/alerts', null, '#/alerts'],
  ['', null, ''],
  ['#token=', null, '#token='],
  ['#token=<script>', null, '#token=<script>'],
])('%s holds token %s and leaves %s', (hash, token, rest) => {
  expect(parseTokenFragment(hash)).toEqual({ token, rest });
});

it.each([
  ['http://127.0.0.1:7757/#token=0123456789abcdef', '0123456789abcdef'],
  ['  0123456789abcdef\n', '0123456789abcdef'],
  ['#token=0123456789abcdef', '0123456789abcdef'],
  ['http://127.0.0.1:7757/', null],
  ['short', null],
  ['', null],
])('pasted %j holds %s', (text, token) => {
  expect(parsePastedAddress(text)).toBe(token);
});
