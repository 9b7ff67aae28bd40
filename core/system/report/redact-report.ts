import { createRedactor, HIDDEN, type Identity, type Redact } from '../../logging/redact-text.ts';

/** Words that many machines use as a name: hiding them would hide nothing and spoil the text. */
const commonNames = new Set(['root', 'user', 'users', 'admin', 'home', 'localhost', 'gpu', 'node', 'engine', 'warpdeck']);
const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A name where it stands for itself, not as a part of a longer word. */
function wordPattern(word: string): RegExp | null {
  if (word.length < 2 || commonNames.has(word.toLowerCase())) return null;
  return new RegExp(`(?<![A-Za-z0-9])${escapeRegExp(word)}(?![A-Za-z0-9])`, 'gi');
}

const mac = /(?<![0-9A-Fa-f:.-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])/g;
const ipv4 = /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)/g;
/** Three groups and more, or `::`: times (12:30:05) have no letters and no double colon. PCI addresses end in `.n`. */
const ipv6 = /(?<![0-9A-Za-z:.])(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}|(?:[0-9A-Fa-f]{1,4}:){1,7}:|::(?:[0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4})(?:%[A-Za-z0-9]+)?(?![0-9A-Za-z:])/g;
const gpuUuid = /\b(GPU|MIG)-[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b/g;
const serial = /(\bserial(?:[ _-]?(?:number|no))?["']?\s*[:=]?\s*["']?)(?=[A-Za-z-]*\d)[A-Za-z0-9][A-Za-z0-9-]{4,}/gi;
const mail = /[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}/g;
const own = new Set(['127.0.0.1', '0.0.0.0', '::1', '::']);

/**
 * For text that is sent to somebody: besides credentials and the home folder also who and where this is (user, host,
 * addresses, serial numbers). GPUs keep a number, so that lines about the same one can be found.
 */
export function createReportRedactor(identity: Identity, secrets: readonly string[] = []): Redact {
  const base = createRedactor(identity, () => secrets);
  const hosts = identity.hostName === null ? [] : [identity.hostName, identity.hostName.split('.')[0] ?? ''];
  const words: (readonly [RegExp, string])[] = [];
  for (const [names, stand] of [[hosts, '<host>'], [identity.userName === null ? [] : [identity.userName], '<user>']] as const) {
    for (const name of names) {
      const pattern = wordPattern(name);
      if (pattern !== null) words.push([pattern, stand]);
    }
  }
  const numbers = new Map<string, number>();
  const numberOf = (uuid: string): number => {
    const known = numbers.get(uuid);
    if (known !== undefined) return known;
    numbers.set(uuid, numbers.size);
    return numbers.size - 1;
  };
  return (text) => {
    let out = base(text);
    for (const [pattern, stand] of words) out = out.replace(pattern, stand);
    return out
      .replace(gpuUuid, (uuid, kind: string) => `<${kind}-uuid-${numberOf(uuid.toLowerCase())}>`)
      .replace(serial, `$1${HIDDEN}`)
      .replace(mail, '<mail>')
      .replace(mac, '<mac>')
      .replace(ipv4, (ip) => (own.has(ip) ? ip : '<ip>'))
      .replace(ipv6, (ip) => (own.has(ip) ? ip : '<ip>'));
  };
}
