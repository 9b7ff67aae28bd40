import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { protocol } from 'electron';
import { makeContentSecurityPolicy, NONCE_PLACEHOLDER } from '../contract/content-security-policy.ts';
import { decideBundleFile } from './bundle-path.ts';
import { APP_SCHEME } from './navigation-guard.ts';

/** Must run before `ready`. Never `bypassCSP`, never `corsEnabled`. */
export function declareAppScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true } }]);
}

/** Serves the built page under `app://bundle/`, with the content security policy on every answer. */
export function serveApp(root: string): void {
  protocol.handle(APP_SCHEME, async (request) => {
    const nonce = randomBytes(16).toString('base64');
    const headers = {
      'Content-Security-Policy': makeContentSecurityPolicy({ nonce }),
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
    };
    const file = request.method === 'GET' || request.method === 'HEAD' ? decideBundleFile(request.url, root) : null;
    if (!file) return new Response('Not found', { status: 404, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' } });
    try {
      const bytes = await readFile(file.path);
      const body = file.mimeType.startsWith('text/html') ? Buffer.from(bytes.toString('utf8').replaceAll(NONCE_PLACEHOLDER, nonce)) : bytes;
      return new Response(new Uint8Array(body), { status: 200, headers: { ...headers, 'Content-Type': file.mimeType } });
    } catch {
      return new Response('Not found', { status: 404, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' } });
    }
  });
}
