import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideBundleFile } from './bundle-path.ts';

const root = '/app/out/renderer';

test.each([
  ['app://bundle/', `${root}/index.html`, 'text/html; charset=utf-8'],
  ['app://bundle', `${root}/index.html`, 'text/html; charset=utf-8'],
  ['app://bundle/index.html?x=1#/alerts', `${root}/index.html`, 'text/html; charset=utf-8'],
  ['app://bundle/assets/index-B1_x.js', `${root}/assets/index-B1_x.js`, 'text/javascript; charset=utf-8'],
  ['app://bundle/assets/plex.woff2', `${root}/assets/plex.woff2`, 'font/woff2'],
])('%s', (address, path, mimeType) => {
  expect(decideBundleFile(address, root)).toEqual({ path, mimeType });
});

test.each([
  'app://bundle/../main/main.cjs', 'app://bundle/..%2fmain/x.js', 'app://bundle/%2e%2e/x.js', 'app://bundle/%252e%252e/x.js', 'app://bundle/..\\x.js', 'app://bundle/%5c..%5cx.js', 'app://bundle/a%00.js',
  'app://bundle/a\u0000.js', 'app://bundle//etc/passwd.txt', 'app://bundle/C:/x.txt', 'app://bundle/x.js.', 'app://bundle/x.js%20', 'app://bundle/x.js ', 'app://bundle/.env.txt', 'app://bundle/assets/', 'app://bundle/main.cjs',
  'app://bundle/x', 'app://evil/index.html', 'app://bundle@evil/index.html', 'app://bundle:1/index.html', 'file:///etc/hostname.txt', 'http://bundle/index.html', '', 'app://bundle.index.html', 'app://bundle/\u2215etc\u2215x.txt', 'app://bundle/%EF%BC%8E%EF%BC%8E/x.txt',
])('%j is no file of ours', (address) => {
  expect(decideBundleFile(address, root)).toBeNull();
});

test('whatever is asked, nothing outside the folder is named', () => {
  const piece = fc.constantFrom('..', '.', '%2e', '%2e%2e', '/', '\\', '%5c', '%2f', 'a', 'x.js', '\u0000', ':', ' ', '%00', '~', 'assets');
  fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
    const file = decideBundleFile(`app://bundle/${pieces.join('')}`, root);
    if (file) expect(file.path.startsWith(`${root}/`) && !file.path.includes('..')).toBe(true);
  }));
});
