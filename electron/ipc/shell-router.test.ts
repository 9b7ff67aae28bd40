import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { shellMethods, type ShellMethod } from '../../contract/shell.ts';
import { answerShellFrame, type ShellHandlers } from './shell-router.ts';

let calls: unknown[];
let logged: string[];
const take = <T>(name: string, value: T) => (input: unknown): Promise<T> => {
  calls.push([name, input]);
  return Promise.resolve(value);
};
const handlers: ShellHandlers = {
  confirm: take('confirm', true),
  notify: take('notify', true),
  setTray: take('setTray', null),
  setTheme: take('setTheme', null),
  saveFile: take('saveFile', '/home/a/x.csv'),
  openExternal: () => Promise.reject(new Error('/home/a/secret')),
  openLogs: take('openLogs', true),
  restartEngine: take('restartEngine', null),
  windowState: take('windowState', { platform: 'linux', closeToTray: false, trayAvailable: true }),
};
const answer = (frame: unknown): ReturnType<typeof answerShellFrame> => answerShellFrame(frame, handlers, (text) => { logged.push(text); });
beforeEach(() => {
  calls = [];
  logged = [];
});

test('a request reaches its handler and is answered', async () => {
  expect(await answer({ id: 1, method: 'setTheme', input: { theme: 'dark' } })).toEqual({ id: 1, ok: true, value: null });
  expect(await answer({ id: 2, method: 'windowState', input: null })).toMatchObject({ id: 2, ok: true, value: { platform: 'linux' } });
  expect(calls).toEqual([['setTheme', { theme: 'dark' }], ['windowState', null]]);
});

test.each([
  ['unknown method', { id: 1, method: 'run', input: null }],
  ['prototype', { id: 1, method: 'constructor', input: null }],
  ['no id', { method: 'openLogs', input: null }],
  ['an extra key', { id: 1, method: 'openLogs', input: null, sender: 'x' }],
  ['text', 'openLogs'],
  ['nothing', null],
])('%s is no request', async (_, frame) => {
  expect(await answer(frame)).toBeNull();
  expect(calls).toEqual([]);
});

test.each([
  ['wrong kind', { id: 1, method: 'setTheme', input: { theme: 'pink' } }],
  ['too long', { id: 1, method: 'confirm', input: { title: 'x'.repeat(201), detail: '', confirmLabel: '' } }],
  ['no address', { id: 1, method: 'openExternal', input: { url: 'not one' } }],
])('input that does not fit (%s) is refused and reaches nobody', async (_, frame) => {
  expect(await answer(frame)).toMatchObject({ ok: false });
  expect(calls).toEqual([]);
});

test('a failure says neither path nor stack to the page, both to the log', async () => {
  const reply = await answer({ id: 4, method: 'openExternal', input: { url: 'https://example.org' } });
  expect(reply).toEqual({ id: 4, ok: false, error: 'openExternal could not be done' });
  expect(logged.join()).toContain('/home/a/secret');
});

test('nothing that fits no schema reaches a handler', async () => {
  const methods = Object.keys(shellMethods) as ShellMethod[];
  await fc.assert(fc.asyncProperty(fc.constantFrom(...methods), fc.anything(), async (method, input) => {
    calls = [];
    const fits = shellMethods[method].input.safeParse(input ?? null).success;
    await answer({ id: 1, method, input });
    if (!fits) expect(calls).toEqual([]);
  }), { numRuns: 300 });
});
