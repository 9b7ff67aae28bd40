import { describe, expect, it } from 'vitest';
import type { Intent } from './intents.ts';
import { findByKeys, matchesKeys } from './shortcuts.ts';

const press = (key: string, held: string = ''): { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean; shiftKey: boolean } => ({ key, ctrlKey: held.includes('c'), metaKey: held.includes('m'), altKey: held.includes('a'), shiftKey: held.includes('s') });

describe('matchesKeys', () => {
  it.each([
    ['Ctrl K', press('k', 'c'), true],
    ['Ctrl K', press('K', 'cs'), false],
    ['Ctrl K', press('k', 'm'), true],
    ['Ctrl K', press('k'), false],
    ['Ctrl ,', press(',', 'c'), true],
    ['Alt 1', press('1', 'a'), true],
    ['Alt 1', press('1', 'ca'), false],
    ['F1', press('F1'), true],
    ['F1', press('F1', 's'), false],
    ['?', press('?', 's'), true],
    ['Esc', press('Escape'), true],
  ])('%s and %j: %s', (keys, event, matches) => {
    expect(matchesKeys(keys, event)).toBe(matches);
  });
});

describe('findByKeys', () => {
  const intent = (id: string, keys: string): Intent => ({ id, keys, title: id, group: 'do', icon: 'run', guard: () => null, perform: () => undefined });
  const intents = [intent('pause', 'Space'), intent('palette', 'Ctrl K'), intent('help', 'F1')];
  it('leaves plain keys to the field in which one types', () => {
    expect(findByKeys(intents, press(' '), true)).toBeNull();
    expect(findByKeys(intents, press(' '), false)?.id).toBe('pause');
  });
  it('takes modified keys and F keys from a field too', () => {
    expect(findByKeys(intents, press('k', 'c'), true)?.id).toBe('palette');
    expect(findByKeys(intents, press('F1'), true)?.id).toBe('help');
  });
});
