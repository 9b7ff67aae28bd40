import { readFile } from 'node:fs/promises';
import { protocol } from 'electron';
import { makeContentSecurityPolicy } from '../contract/content-security-policy.ts';
import { decideBundleFile } from './bundle-path.ts';
import { APP_SCHEME } from './navigation-guard.ts';

/** Must run before `ready`. Never `bypassCSP`, never `corsEnabled`. */
export function declareAppScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true } }]);
}

const HEADERS = {
  'Content-Security-Policy': makeContentSecurityPolicy({ connect: [] }),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

function notFound(): Response {
  return new Response('Not found', { status: 404, headers: { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' } });
}

/** Serves the built page under `app://bundle/`, with the content security policy on every answer. */
export function serveApp(root: string): void {
  protocol.handle(APP_SCHEME, async (request) => {
    const file = request.method === 'GET' || request.method === 'HEAD' ? decideBundleFile(request.url, root) : null;
    if (!file) return notFound();
    try {
      return new Response(new Uint8Array(await readFile(file.path)), { status: 200, headers: { ...HEADERS, 'Content-Type': file.mimeType } });
    } catch {
      return notFound();
    }
  });
}
