import { expect, test } from 'vitest';
import { decideDroppedSwitches } from './debug-switches.ts';

test('an installed app drops what would open it; a checkout keeps it', () => {
  expect(decideDroppedSwitches(false)).toEqual(expect.arrayContaining(['remote-debugging-port', 'remote-debugging-pipe', 'disable-web-security', 'load-extension']));
  expect(decideDroppedSwitches(true)).toEqual([]);
});
