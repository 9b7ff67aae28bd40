import type { IndexAccess } from './install-tool.ts';

const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]*(?::[^\s/@"'<>]*)?@/gi;
/** `https://host/t/TOKEN/channel`: how conda writes one. */
const CONDA_TOKEN = /(https?:\/\/[^\s/]+\/t\/)[^\s/]+\//g;
const SECRET_PARAMETER = /([?&](?:[a-z_-]*token|[a-z_-]*key|sig|signature|x-amz-signature|x-amz-credential|auth|password|passwd|secret)=)[^&\s"'<>]+/gi;

/** Takes credentials out of every URL in a text: user and password before the host, and secret-looking parameters. */
export function redactUrl(text: string): string {
  return text.replace(USER_INFO, '$1***@').replace(SECRET_PARAMETER, '$1***').replace(CONDA_TOKEN, '$1***/');
}

/** Variables whose whole value is a secret, or a URL that may hold one. */
const SECRET_NAME = /PASSWORD|TOKEN|SECRET|PASSWD/;

/** Every secret that stands in the variables: passwords by name, and user information of URLs, raw and decoded. */
export function findSecrets(env: Readonly<Record<string, string>>): string[] {
  const found = new Set<string>();
  const add = (value: string): void => {
    // Shorter ones would blot out ordinary words.
    if (value.length >= 4) found.add(value);
  };
  for (const [name, value] of Object.entries(env)) {
    if (SECRET_NAME.test(name)) add(value);
    for (const [, info = ''] of value.matchAll(/:\/\/([^\s/@]+)@/g)) {
      const at = info.indexOf(':');
      // `https://TOKEN@host` is a way to write it as well.
      const secret = at < 0 ? info : info.slice(at + 1);
      add(secret);
      try {
        add(decodeURIComponent(secret));
      } catch {
        // Not percent-encoded: the raw one is enough.
      }
    }
  }
  return [...found].sort((a, b) => b.length - a.length);
}

/** A function that takes the secrets of this access out of a text: URLs by form, and the very values wherever they stand. */
export function createRedactor(access: IndexAccess): (text: string) => string {
  const given = Object.fromEntries([access.torchIndexUrl, access.packageIndexUrl].map((url, i) => [`url${i}`, url ?? '']));
  const secrets = findSecrets({ ...access.env, ...given });
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), redactUrl(text));
}
