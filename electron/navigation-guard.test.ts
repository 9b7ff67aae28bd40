import fc from 'fast-check';
import { expect, test } from 'vitest';
import { APP_URL, decideExternal, decideNavigation, decidePermission, decideRequest } from './navigation-guard.ts';

const hostile = [
  'app://bundle.evil/', 'app://bundle@evil/', 'app://evil@bundle/', 'app://bundle:80/', 'app://BUNDLE.evil/', 'app:bundle/', 'app:///bundle/', 'app://bund\tle/', 'app\n://bundle/',
  ' app://bundle/', 'app://xn--bundle-1ua/', 'javascript:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'file:///etc/hostname', 'blob:app://bundle/1',
  'https://example.org/', 'http://127.0.0.1:11434/', 'about:blank', 'about:srcdoc', 'view-source:app://bundle/', 'filesystem:app://bundle/x', '', '\u0000', '//bundle/', 'devtools://devtools/bundled/inspector.html',
];

test('our own pages may be gone to', () => {
  expect(decideNavigation(APP_URL)).toBe('allow');
  expect(decideNavigation('app://bundle/index.html#/alerts')).toBe('allow');
});

test.each(hostile)('nobody goes to %j', (url) => {
  expect(decideNavigation(url)).toBe('stop');
});

test('no URL leads elsewhere and is allowed', () => {
  fc.assert(fc.property(fc.oneof(fc.webUrl(), fc.string(), fc.string().map((s) => `app://${s}`), fc.string().map((s) => `app://bundle${s}`)), (url) => {
    if (decideNavigation(url) === 'allow') expect(new URL(url).host).toBe('bundle');
  }));
});

test.each(['file:///etc/passwd', 'smb://host/share', 'ms-msdt:/id', 'search-ms:query=x', 'vscode://x', 'javascript:alert(1)', 'http://example.org/', 'https://user@example.org/', 'https://example.org/\u0000', '\\\\server\\share', 'https:\n//example.org', 'mailto:a@b.c'])('%j is not opened outside', (url) => {
  expect(decideExternal(url)).toEqual({ kind: 'refuse' });
});

test('an https address is opened, and its host is named', () => {
  expect(decideExternal('https://pytorch.org/get-started/?a=b')).toEqual({ kind: 'open', url: 'https://pytorch.org/get-started/?a=b', host: 'pytorch.org' });
});

test('only https ever leaves', () => {
  fc.assert(fc.property(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9+.-]{0,8}$/), fc.string()).map(([scheme, rest]) => `${scheme}:${rest}`), (url) => {
    const decision = decideExternal(url);
    if (decision.kind === 'open') expect(new URL(decision.url).protocol).toBe('https:');
  }));
});

test.each([['app://bundle/assets/a.js', true], ['blob:app://bundle/1', true], ['data:image/png;base64,AA', true], ['http://127.0.0.1:11434/', false], ['ws://127.0.0.1/', false], ['file:///etc/hostname', false], ['devtools://devtools/x', false]])('a request for %s', (url, allowed) => {
  expect(decideRequest(url, false)).toBe(allowed ? 'allow' : 'stop');
});

const permissions = ['media', 'geolocation', 'notifications', 'midi', 'midiSysex', 'pointerLock', 'fullscreen', 'openExternal', 'clipboard-read', 'display-capture', 'mediaKeySystem', 'window-management', 'hid', 'serial', 'usb', 'bluetooth', 'idle-detection', 'speaker-selection', 'storage-access', 'top-level-storage-access', 'keyboardLock', 'fileSystem', 'local-fonts', 'unknown', 'deprecated-sync-clipboard-read', 'background-sync', 'payment-handler', 'persistent-storage', 'accessibility-events'];
test.each(permissions)('permission %s is denied', (name) => {
  expect(decidePermission(name, 'app://bundle')).toBe(false);
});
test('writing text to the clipboard is allowed, to our page only', () => {
  expect(decidePermission('clipboard-sanitized-write', 'app://bundle/')).toBe(true);
  expect(decidePermission('clipboard-sanitized-write', 'https://example.org')).toBe(false);
});
