/** What must never stand in a log or a report. All of it is known values and known shapes; nothing is guessed. */
export interface Identity {
  readonly home: string | null;
  readonly userName: string | null;
  readonly hostName: string | null;
}

export type Redact = (text: string) => string;

/** Shapes of credentials, from their issuers' documentation. The first group is kept. */
const credentials: readonly RegExp[] = [
  /(\bauthorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token)\s+)?)[^\s"',;]+/gi,
  /(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}/gi,
  /()\bhf_[A-Za-z0-9]{8,}/g,
  /()\b(?:sk|pk|rk)-[A-Za-z0-9_-]{12,}/g,
  /()\bgh[pousr]_[A-Za-z0-9]{16,}/g,
  /()\bgithub_pat_[A-Za-z0-9_]{16,}/g,
  /()\bglpat-[A-Za-z0-9_-]{16,}/g,
  /()\bAKIA[0-9A-Z]{16}\b/g,
  /()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /([?&#](?:[a-z_-]*token|ticket|key|api_?key|password|secret|signature|sig)=)[^\s&#"'<>]+/gi,
  /(\b[A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIALS?)["']?\s*[:=]\s*["']?)[^\s"',;]+/gi,
  /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@:"']*:[^\s/@"']+(?=@)/gi,
];

export const HIDDEN = '[hidden]';
const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** `secrets` are values that were handed to us: hidden wherever they appear, however short their shape. */
export function createRedactor(identity: Identity, secrets: () => readonly string[] = () => []): Redact {
  const home = identity.home !== null && identity.home.length > 1 ? pathPattern(identity.home) : null;
  return (text) => {
    let out = text;
    // Longest first: one value may be part of another.
    for (const secret of [...secrets()].sort((a, b) => b.length - a.length)) if (secret !== '') out = out.replaceAll(secret, HIDDEN);
    for (const pattern of credentials) out = out.replace(pattern, `$1${HIDDEN}`);
    return home === null ? out : out.replace(home, '~');
  };
}

/** A folder as text writes it: with either slash, single or (in JSON) doubled; Windows does not mind the case. */
function pathPattern(path: string): RegExp {
  const parts = path.replace(/[/\\]+$/, '').split(/[/\\]/).map(escapeRegExp);
  return new RegExp(`${parts.join('[/\\\\]{1,2}')}(?![A-Za-z0-9_.-])`, /^[A-Za-z]:/.test(path) ? 'gi' : 'g');
}

/** Keys whose values are never written, whatever they are. */
const secretKey = /^(?:.*[_-])?(?:authorization|cookie|set-cookie|password|passwd|secret|secrets|token|tokens|api[_-]?key|ticket|credentials?)$|(?:Token|Secret|Password|ApiKey|Ticket)$/i;

const MAX_TEXT = 8192;
const MAX_ITEMS = 100;
const MAX_DEPTH = 6;

/** Plain data for a log line: redacted, bounded, without cycles; errors with their stack, cause and problem code. Never throws. */
export function cleanFields(value: unknown, redact: Redact, depth = 0): unknown {
  if (typeof value === 'string') return redact(value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)} … (${value.length} characters)` : value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[deeper]';
  try {
    if (value instanceof Error) {
      const code = 'code' in value ? { code: cleanFields(value.code, redact, depth + 1) } : {};
      const problem = 'problem' in value ? { problem: cleanFields(value.problem, redact, depth + 1) } : {};
      const cause = value.cause === undefined ? {} : { cause: cleanFields(value.cause, redact, depth + 1) };
      return { name: value.name, message: cleanFields(value.message, redact), stack: cleanFields(value.stack, redact), ...code, ...problem, ...cause };
    }
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => cleanFields(item, redact, depth + 1));
    return Object.fromEntries(Object.entries(value).slice(0, MAX_ITEMS).map(([key, item]) => [redact(key), secretKey.test(key) && item !== null && typeof item !== 'boolean' && typeof item !== 'number' ? HIDDEN : cleanFields(item, redact, depth + 1)]));
  } catch {
    return '[unreadable]';
  }
}
