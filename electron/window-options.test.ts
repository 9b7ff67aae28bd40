import { expect, test } from 'vitest';
import { makeWindowOptions } from './window-options.ts';

const facts = { bounds: { x: 1, y: 2, width: 1440, height: 900 }, dark: true, preload: '/p.cjs', icon: '/i.png', inspectable: false, zoomLevel: 0 };

test('the security of the window, line by line', () => {
  expect(makeWindowOptions(facts).webPreferences).toEqual({
    preload: '/p.cjs', contextIsolation: true, sandbox: true, nodeIntegration: false, nodeIntegrationInWorker: false, nodeIntegrationInSubFrames: false, webSecurity: true,
    allowRunningInsecureContent: false, experimentalFeatures: false, webviewTag: false, navigateOnDragDrop: false, spellcheck: false, safeDialogs: true, devTools: false, zoomFactor: 1,
  });
});

test('the background is right before the first paint', () => {
  expect(makeWindowOptions(facts)).toMatchObject({ show: false, backgroundColor: '#0c0e10', width: 1440, x: 1 });
  expect(makeWindowOptions({ ...facts, dark: false }).backgroundColor).toBe('#eeeeeb');
});
