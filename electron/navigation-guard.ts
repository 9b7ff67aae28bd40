/** The one origin that this app shows. A standard scheme with a host, so that it is an origin of its own. */
export const APP_SCHEME = 'app';
export const APP_HOST = 'bundle';
export const APP_URL = `${APP_SCHEME}://${APP_HOST}/index.html`;

function parse(url: string): URL | null {
  // A tab or line end inside a scheme is dropped by URL parsers: what looks like one thing would be another.
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f]/.test(url)) return null;
  try {
    return new URL(url);
  } catch {
    return null;
  }
}

/** May a frame of ours go there? Only our own origin, without user info or port. Everything else is stopped. */
export function decideNavigation(url: string): 'allow' | 'stop' {
  const parsed = parse(url);
  if (!parsed) return 'stop';
  const ours = parsed.protocol === `${APP_SCHEME}:` && parsed.host === APP_HOST && parsed.username === '' && parsed.password === '';
  return ours ? 'allow' : 'stop';
}

export type ExternalDecision = { readonly kind: 'open'; readonly url: string; readonly host: string } | { readonly kind: 'refuse' };

/** May the system's browser be asked to open this? Only https with a plain host name and no user info. */
export function decideExternal(url: string): ExternalDecision {
  const parsed = parse(url);
  if (parsed?.protocol !== 'https:' || parsed.hostname === '' || parsed.username !== '' || parsed.password !== '') return { kind: 'refuse' };
  return { kind: 'open', url: parsed.href, host: parsed.host };
}

/** What the page may load at all, beneath the content security policy: our own files and what it made itself. */
export function decideRequest(url: string, inspectable: boolean): 'allow' | 'stop' {
  if (url.startsWith('blob:') || url.startsWith('data:')) return 'allow';
  if (inspectable && url.startsWith('devtools:')) return 'allow';
  return decideNavigation(url);
}

/** Permissions that the page may have: it copies text and numbers, and shows notifications. All else is denied. */
export function decidePermission(permission: string, requestingOrigin: string): boolean {
  const ours = decideNavigation(requestingOrigin.endsWith('/') ? requestingOrigin : `${requestingOrigin}/`) === 'allow';
  return ours && permission === 'clipboard-sanitized-write';
}
