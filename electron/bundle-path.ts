import { join, sep } from 'node:path';
import { APP_HOST, APP_SCHEME } from './navigation-guard.ts';

/** Kinds of files that the page consists of. What is not listed is not served. */
const MIME_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
  wasm: 'application/wasm',
  txt: 'text/plain; charset=utf-8',
};

export interface BundleFile {
  readonly path: string;
  readonly mimeType: string;
}

/** One name of a path: letters, digits and a few marks; never a dot first or last. Everything clever falls through. */
const PLAIN_NAME = /^[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/;

/** The file of the built page that an address names, or null. Nothing outside `root` can be named. */
export function decideBundleFile(address: string, root: string): BundleFile | null {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (url.protocol !== `${APP_SCHEME}:` || url.host !== APP_HOST || url.username !== '' || url.password !== '') return null;
  // The address as written: URL parsing would have folded `..` away already.
  const written = address.slice(`${APP_SCHEME}://${APP_HOST}`.length).replace(/[?#].*$/s, '');
  const names = written === '' || written === '/' ? ['index.html'] : written.slice(1).split('/');
  if (written !== '' && !written.startsWith('/')) return null;
  if (!names.every((name) => PLAIN_NAME.test(name))) return null;
  const mimeType = MIME_TYPES[/\.([a-z0-9]+)$/.exec(names.at(-1) ?? '')?.[1] ?? ''];
  const path = join(root, ...names);
  if (mimeType === undefined || !path.startsWith(root.endsWith(sep) ? root : root + sep)) return null;
  return { path, mimeType };
}
