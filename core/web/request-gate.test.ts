import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRequest, parseBearer, tokensEqual, type GateRequest, type GateSettings } from './request-gate.ts';

const settings: GateSettings = {
  hosts: new Set(['127.0.0.1:7757', 'localhost:7757']),
  origins: new Set(['http://127.0.0.1:7757', 'http://localhost:7757']),
  token: 'right-token-right-token-right-token',
  metricsToken: 'metrics-token-metrics-token',
};

function request(o: { method?: string; url?: string; upgrade?: boolean; headers?: Record<string, string>; raw?: string[] } = {}): GateRequest {
  const headers: Record<string, string> = { host: '127.0.0.1:7757', ...o.headers };
  for (const [k, v] of Object.entries(headers)) if (v === '') Reflect.deleteProperty(headers, k);
  return { method: o.method ?? 'GET', url: o.url ?? '/api/engine', headers, rawHeaders: o.raw ?? Object.entries(headers).flat(), upgrade: o.upgrade ?? false };
}
const auth = { authorization: `Bearer ${settings.token}` };
const status = (r: GateRequest): number | string => {
  const answer = decideRequest(r, settings);
  return answer.allow ? answer.access : answer.status;
};

describe('decideRequest', () => {
  it.each<[string, GateRequest, number | string]>([
    ['good request', request({ headers: auth }), 'full'],
    ['page without a token', request({ url: '/' }), 'public'],
    ['asset', request({ url: '/assets/index-abc.js' }), 'public'],
    ['health', request({ url: '/health' }), 'public'],
    ['foreign host', request({ headers: { ...auth, host: 'evil.example:7757' } }), 421],
    ['host prefix trick', request({ headers: { ...auth, host: '127.0.0.1:7757.evil' } }), 421],
    ['host with trailing dot', request({ headers: { ...auth, host: 'localhost.:7757' } }), 421],
    ['host in upper case', request({ headers: { ...auth, host: 'LOCALHOST:7757' } }), 421],
    ['host without port', request({ headers: { ...auth, host: '127.0.0.1' } }), 421],
    ['IPv6 host', request({ headers: { ...auth, host: '[::1]:7757' } }), 421],
    ['no host', request({ headers: { ...auth, host: '' } }), 400],
    ['two hosts', request({ headers: auth, raw: ['Host', '127.0.0.1:7757', 'Host', 'evil'] }), 400],
    ['absolute form', request({ url: 'http://evil/api/engine', headers: auth }), 400],
    ['double slash', request({ url: '//evil/api', headers: auth }), 400],
    ['foreign origin', request({ headers: { ...auth, origin: 'http://evil.example' } }), 403],
    ['null origin', request({ headers: { ...auth, origin: 'null' } }), 403],
    ['own origin', request({ headers: { ...auth, origin: 'http://127.0.0.1:7757' } }), 'full'],
    ['cross-site fetch', request({ headers: { ...auth, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } }), 403],
    ['cross-site link to the page', request({ url: '/', headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }), 'public'],
    ['preflight', request({ method: 'OPTIONS' }), 405],
    ['trace', request({ method: 'TRACE', headers: auth }), 405],
    ['no token', request(), 401],
    ['wrong token', request({ headers: { authorization: 'Bearer wrong' } }), 401],
    ['basic instead of bearer', request({ headers: { authorization: `Basic ${settings.token}` } }), 401],
    ['token in another header', request({ headers: { 'x-api-key': settings.token } }), 401],
    ['doubled authorization', request({ headers: auth, raw: ['Host', '127.0.0.1:7757', 'Authorization', auth.authorization, 'Authorization', 'Bearer x'] }), 401],
    ['posting to the page', request({ method: 'POST', url: '/' }), 401],
    ['metrics by its own token', request({ url: '/metrics', headers: { authorization: `Bearer ${settings.metricsToken}` } }), 'metrics'],
    ['metrics by the main token', request({ url: '/metrics', headers: auth }), 'metrics'],
    ['metrics without', request({ url: '/metrics' }), 401],
    ['the API by the metrics token', request({ headers: { authorization: `Bearer ${settings.metricsToken}` } }), 401],
    ['text body', request({ method: 'POST', headers: { ...auth, 'content-type': 'text/plain', 'content-length': '2' } }), 415],
    ['form body', request({ method: 'POST', headers: { ...auth, 'content-type': 'application/x-www-form-urlencoded', 'content-length': '2' } }), 415],
    ['JSON with a tab', request({ method: 'POST', headers: { ...auth, 'content-type': 'application/json\t', 'content-length': '2' } }), 415],
    ['JSON with +json', request({ method: 'POST', headers: { ...auth, 'content-type': 'application/x+json', 'content-length': '2' } }), 415],
    ['JSON', request({ method: 'POST', headers: { ...auth, 'content-type': 'application/json; charset=utf-8', 'content-length': '2' } }), 'full'],
    ['chunked body', request({ method: 'POST', headers: { ...auth, 'content-type': 'application/json', 'transfer-encoding': 'chunked' } }), 411],
    ['large body', request({ method: 'POST', headers: { ...auth, 'content-type': 'application/json', 'content-length': '2000000' } }), 413],
    ['length that is no number', request({ method: 'POST', headers: { ...auth, 'content-type': 'application/json', 'content-length': '1e3x' } }), 400],
    ['long address', request({ url: `/${'a'.repeat(9000)}`, headers: auth }), 414],
    ['upgrade elsewhere', request({ url: '/api', upgrade: true }), 404],
    ['upgrade with a foreign origin', request({ url: '/rpc', upgrade: true, headers: { origin: 'http://evil' } }), 403],
    ['upgrade on a foreign host', request({ url: '/rpc', upgrade: true, headers: { host: 'evil' } }), 421],
  ])('%s', (_name, r, expected) => {
    expect(status(r)).toBe(expected);
  });

  it('lets nothing but the page through without the exact token', () => {
    fc.assert(fc.property(fc.webPath(), fc.string(), (path, token) => {
      const r = request({ url: `/api${path}`, headers: { authorization: `Bearer ${token}` } });
      if (token === settings.token) return;
      const answer = decideRequest(r, settings);
      expect(answer.allow).toBe(false);
    }), { numRuns: 500 });
  });
});

describe('tokens', () => {
  it('are compared whole', () => {
    expect(tokensEqual('a', 'a')).toBe(true);
    expect(tokensEqual('a', 'ab')).toBe(false);
    expect(parseBearer('Bearer ')).toBeNull();
    expect(parseBearer('bearer x')).toBeNull();
  });
});
