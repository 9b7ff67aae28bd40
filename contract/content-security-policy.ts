/**
 * The one policy of the page, in the window and in the browser (reference: OWASP CSP cheat sheet; Electron security
 * checklist, item 7). Scripts and styles come from files of ours alone; a chart may not even load a remote image.
 * `connect`: what else than its own origin the page may talk to.
 */
export function makeContentSecurityPolicy(options: { readonly connect: readonly string[] }): string {
  const directives: readonly (readonly [string, string])[] = [
    ['default-src', "'none'"],
    ['script-src', "'self'"],
    ['style-src', "'self'"],
    ['img-src', "'self' blob:"],
    ['font-src', "'self'"],
    ['connect-src', ["'self'", ...options.connect].join(' ')],
    ['worker-src', "'self'"],
    ['base-uri', "'none'"],
    ['form-action', "'none'"],
    ['frame-ancestors', "'none'"],
    ['frame-src', "'none'"],
    ['object-src', "'none'"],
  ];
  return directives.map(([name, value]) => `${name} ${value}`).join('; ');
}
