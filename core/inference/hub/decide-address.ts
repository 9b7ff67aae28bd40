import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { problemError } from '../../../contract/problem-catalogue.ts';

/** What is not the public internet (IANA special-purpose registries, November 2026). */
const v4 = ['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3'];
const v6 = ['::/128', '::1/128', '64:ff9b:1::/48', '100::/64', '2001:db8::/32', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'];

const notPublic = new BlockList();
for (const [list, family] of [[v4, 'ipv4'], [v6, 'ipv6']] as const) {
  for (const net of list) {
    const [address = '', bits = '0'] = net.split('/');
    notPublic.addSubnet(address, Number(bits), family);
  }
}

/** An address that is not on the public internet, also where it is wrapped (::ffff:, NAT64, 6to4). Pure. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return notPublic.check(address, 'ipv4');
  if (family !== 6) return true;
  if (notPublic.check(address, 'ipv6')) return true;
  const groups = expand(address);
  const inside = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const zeros = [c, d, e].every((group) => group === 0);
  const mapped = a === 0 && b === 0 && zeros && (f === 0xffff || f === 0);
  const nat64 = a === 0x64 && b === 0xff9b && zeros && f === 0;
  if (mapped || nat64) return notPublic.check(inside(g, h), 'ipv4');
  return a === 0x2002 && notPublic.check(inside(b, c), 'ipv4');
}

/** The eight groups of an IPv6 address that is known to be one. */
function expand(address: string): number[] {
  const plain = address.replace(/%.*$/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, w: string, x: string, y: string, z: string) => `${((Number(w) << 8) | Number(x)).toString(16)}:${((Number(y) << 8) | Number(z)).toString(16)}`);
  const [left = '', right] = plain.split('::');
  const parse = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const first = parse(left);
  const last = parse(right ?? '');
  return right === undefined ? first : [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
}

/** Where requests may go. */
export interface AddressRule {
  /** Origin of the hub as the settings have it: also plain http, also on this machine. */
  readonly trustedOrigin: string | null;
}
export interface AddressVerdict {
  readonly allowed: boolean;
  /** The addresses that its name resolves to may be private. */
  readonly privateAllowed: boolean;
  readonly detail: string;
}

const bareHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');
/** It names a machine of the private network by itself, without asking a name server. */
const isLocalName = (host: string): boolean => (isIP(host) === 0 ? host === 'localhost' || host.endsWith('.localhost') : isPrivateAddress(host));

/**
 * Whether this address may be asked. `before`: the addresses that redirected here, first to last. Only the server of
 * the settings may be http or private; from a private one a redirect may lead to another private one, from a public
 * one never. Pure.
 */
export function decideAddress(url: URL, rule: AddressRule, before: readonly URL[] = []): AddressVerdict {
  const no = (detail: string): AddressVerdict => ({ allowed: false, privateAllowed: false, detail });
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return no(`${url.protocol} is not https.`);
  if (url.username !== '' || url.password !== '') return no('It carries a user name or a password.');
  if (url.origin === rule.trustedOrigin) return { allowed: true, privateAllowed: true, detail: '' };
  const begunLocally = before.length > 0 && before.every((hop) => isLocalName(bareHost(hop)) && (hop === before[0] ? hop.origin === rule.trustedOrigin : true));
  if (url.protocol === 'http:' && !(begunLocally && before[0]?.protocol === 'http:')) return no('It is not https.');
  if (!begunLocally && isLocalName(bareHost(url))) return no(`${bareHost(url)} is not on the public internet.`);
  return { allowed: true, privateAllowed: begunLocally, detail: '' };
}

/** Asks a name server for all addresses of a name. */
export type Resolve = (host: string, answer: (error: Error | null, addresses: LookupAddress[]) => void) => void;
export const resolveBySystem: Resolve = (host, answer) => { systemLookup(host, { all: true }, (error, addresses) => { answer(error, addresses); }); };

/**
 * A look-up for the very connection: what is checked is what is connected to, so a name that resolves differently a
 * moment later gains nothing. `mayBePrivate`: the hub of the settings, the user's proxy.
 */
export function guardLookup(resolve: Resolve, url: URL, mayBePrivate: (host: string) => boolean): LookupFunction {
  return (host, options, callback) => {
    resolve(host, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 4);
        return;
      }
      const family = options.family === 4 || options.family === 'IPv4' ? 4 : options.family === 6 || options.family === 'IPv6' ? 6 : 0;
      const fitting = addresses.filter((one) => family === 0 || one.family === family);
      const usable = mayBePrivate(host) ? fitting : fitting.filter((one) => !isPrivateAddress(one.address));
      const [first] = usable;
      if (first === undefined) {
        const detail = fitting.length > 0 ? `${host} resolves to an address that is not on the public internet.` : `${host} has no address.`;
        callback(fitting.length > 0 ? problemError('download.foreign_address', { url: showUrl(url), detail }) : new Error(detail), '', 4);
        return;
      }
      if (options.all === true) callback(null, usable);
      else callback(null, first.address, first.family);
    });
  };
}

/** A URL for people and logs: no query (it may hold a signature), no credentials, bounded. Pure. */
export function showUrl(url: URL | string): string {
  if (typeof url === 'string' && !URL.canParse(url)) return url.slice(0, 200);
  const at = new URL(url);
  return `${at.origin}${at.pathname}`.slice(0, 300);
}
