import { problemError } from '../../../contract/problem-catalogue.ts';

/** What people copy from examples: the address of one operation instead of that of the API. */
const OPERATION = /\/(chat\/completions|completions|models|embeddings|responses)$/;

/**
 * Addresses below which a server's API may lie, likeliest first, without a slash at their end: with `/v1` where the
 * given one names no version. The scheme may be left out (http).
 * @throws ProblemError `input.invalid`
 */
export function listBaseUrls(given: string): string[] {
  const url = parseUrl(given.trim());
  if (url.username !== '' || url.password !== '') throw invalid('The address may not hold a name or a password; the key is given apart.');
  if (url.search !== '' || url.hash !== '') throw invalid('The address may not have anything after "?" or "#".');
  const path = url.pathname.replace(/\/+$/, '').replace(OPERATION, '');
  const bare = `${url.origin}${path}`;
  if (/\/v\d[^/]*(\/|$)/.test(path)) return [bare];
  return path === '' ? [`${bare}/v1`] : [`${bare}/v1`, bare];
}

function parseUrl(text: string): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(withScheme)) throw invalid(`"${text.slice(0, 200)}" is not an address. Write it like http://127.0.0.1:8080/v1.`);
  const url = new URL(withScheme);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid(`"${url.protocol}" is not served; use http or https.`);
  return url;
}

const invalid = (detail: string): Error => problemError('input.invalid', { detail });

/** It never leaves this machine. */
export function isLoopback(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Whoever carries the traffic can read it. */
export const isReadableOnTheWay = (baseUrl: string): boolean => baseUrl.startsWith('http:') && !isLoopback(baseUrl);
