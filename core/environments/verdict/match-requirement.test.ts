import { expect, it } from 'vitest';
import { matchesSpecifier, specifierOf, startsWithParts } from './match-requirement.ts';

it.each([
  ['2.4.1+cu121', '==2.4.1', true], ['2.4.1', '==2.4.1+cu121', false], ['2.4.1+cu121', '==2.4.1+cu121', true], ['2.4.1', '==2.5.0', false], ['2.10.0', '==2.1.*', false], ['2.10.0', '==2.10.*', true], ['2.4.1', '===2.4.1', true],
  ['2.10.0', '>=2.9', true], ['2.9.0', '>2.9', false], ['2.9.1', '<2.10', true], ['2.14.1', '>=2.4,<2.9', false], ['2.5.0', '!=2.5.*', false], ['2.5.0', '!=2.5.1', true], ['3.4.2', '~=3.4.0', true], ['3.5.0', '~=3.4.0', false], ['3.9.1', '~=3.9', true], ['4.0', '~=3.9', false], ['2.4.1', '', true], ['2.4.1', 'v==2', null], ['2.4.1', '@ file:///x', null], ['2.4.1', '>=2.4 <3', null],
] as const)('%s against %j is %s', (version, specifier, fits) => expect(matchesSpecifier(version, specifier)).toBe(fits));

it.each([['torch==2.4.1; extra == "x"', '==2.4.1'], ['torch (>=1.8)', '>=1.8'], ['nvidia-cudnn-cu13==9.19.0.56 ; platform_system == "Linux"', '==9.19.0.56'], ['torch[opt]>=2', '>=2'], ['torch', ''], ['', '']])('%j asks for %j', (text, specifier) => expect(specifierOf(text)).toBe(specifier));

it('compares parts, not text', () => {
  expect(startsWithParts('2.80.0', '2.8')).toBe(false);
  expect(startsWithParts('0.29.1+cu130', '0.29.x')).toBe(true);
  expect(startsWithParts('3', '3.0')).toBe(true);
});
