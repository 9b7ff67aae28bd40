import { expect, test } from 'vitest';
import { decideBounds, firstShellState, parseShellState } from './window-bounds.ts';

const screen = { x: 0, y: 25, width: 1920, height: 1055 };
const right = { x: 1920, y: 0, width: 2560, height: 1440 };

test.each([
  ['first start: in the middle', null, [screen], { x: 240, y: 103, width: 1440, height: 900 }],
  ['first start on a small screen: no larger than it', null, [{ x: 0, y: 0, width: 1024, height: 700 }], { x: 0, y: 0, width: 1024, height: 700 }],
  ['where it was', { x: 2000, y: 100, width: 1200, height: 800 }, [screen, right], { x: 2000, y: 100, width: 1200, height: 800 }],
  ['its screen has gone', { x: 2000, y: 100, width: 1200, height: 800 }, [screen], { x: 360, y: 153, width: 1200, height: 800 }],
  ['title bar above the screen', { x: 100, y: -400, width: 1200, height: 800 }, [screen], { x: 360, y: 153, width: 1200, height: 800 }],
  ['only a sliver is left at the edge', { x: 1880, y: 100, width: 1200, height: 800 }, [screen], { x: 360, y: 153, width: 1200, height: 800 }],
  ['larger than its screen has become', { x: 0, y: 25, width: 3800, height: 2100 }, [screen], { x: 0, y: 25, width: 1920, height: 1055 }],
  ['no screen at all', { x: 0, y: 0, width: 10, height: 10 }, [], { x: 360, y: 210, width: 720, height: 480 }],
] as const)('%s', (_, saved, areas, expected) => {
  expect(decideBounds(saved, areas)).toEqual(expected);
});

test.each(['', '{', '[]', '{"bounds":{"x":"1"}}', '{"bounds":null,"maximised":true}'])('state that cannot be read counts as never written: %j', (text) => {
  expect(parseShellState(text)).toEqual(firstShellState);
});

test('state comes back as it was', () => {
  const state = { ...firstShellState, bounds: { x: -5, y: 0, width: 800, height: 600 }, theme: 'light' as const };
  expect(parseShellState(JSON.stringify(state))).toEqual(state);
});
