import { existsSync, readFileSync } from 'node:fs';
import type { LookupAddress } from 'node:dns';
import { afterEach, describe, expect, it } from 'vitest';
import { contentOf, makeGguf } from '../../testing/model-hub/make-gguf.ts';
import { HUB_COMMIT, startModelHub, type ModelHub, type ServedRepository } from '../../testing/model-hub/start-model-hub.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { createHub, type Hub, type HubOptions } from './create-hub.ts';
import { decideAddress, isPrivateAddress } from './decide-address.ts';
import { decideRefusal } from './decide-refusal.ts';
import { describeBody } from './describe-body.ts';
import { groupFiles, parseQuantisation } from './group-files.ts';
import { measureHeader } from './measure-header.ts';
import { parseContentRange } from './parse-content-range.ts';
import { parseNextLink, parseRepository } from './parse-repository.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
async function serve(repositories: Readonly<Record<string, ServedRepository>>): Promise<ModelHub> {
  const hub = await startModelHub(repositories);
  closing.push(() => hub.stop());
  return hub;
}
function open(baseUrl: string, more: Partial<HubOptions> = {}): Hub {
  const hub = createHub({ baseUrl: () => baseUrl, token: async () => null, log: silentLogger, idleMs: 400, env: {}, ...more });
  closing.push(() => hub.close());
  return hub;
}
const content = makeGguf(300_000);
const files = (names: readonly string[]): ServedRepository['files'] => Object.fromEntries(names.map((name) => [name, { content }]));
const NAMES = ['README.md', 'm-Q4_K_M.gguf', 'm-Q8_0.gguf', 'mmproj-m-f16.gguf', 'big/m-BF16-00002-of-00002.gguf', 'big/m-BF16-00001-of-00002.gguf', 'cut-Q2_K-00001-of-00003.gguf'];

describe('a repository', () => {
  it.each([['with sizes at once', undefined], ['with sizes in the tree, over several pages', 2]])('%s', async (_, treePage) => {
    const server = await serve({ 'maker/m-GGUF': { files: files(NAMES), ...(treePage === undefined ? {} : { treePage }), extra: { gguf: { total: 135_000_000, context_length: 8192 } } } });
    const found = await open(server.url).lookUp('maker/m-GGUF', null);
    expect(found).toMatchObject({ id: 'maker/m-GGUF', name: 'm-GGUF', revision: HUB_COMMIT, parameters: 135_000_000, contextTrained: 8192, gated: false, licence: { name: 'apache-2.0' }, package: null });
    expect(found.files.map((one) => [one.quantisation, one.file, one.parts, one.bytes, one.sha256 === content.sha256])).toEqual([
      ['Q4_K_M', 'm-Q4_K_M.gguf', 1, 300_000, true], ['Q8_0', 'm-Q8_0.gguf', 1, 300_000, true], ['BF16', 'big/m-BF16-00001-of-00002.gguf', 2, 600_000, false],
    ]);
  });

  it('that does not exist, names that are none, a hub that is none, one that is busy', async () => {
    const server = await serve({});
    const hub = open(server.url);
    expect(await problemFrom(hub.lookUp('no/where', null))).toMatchObject({ code: 'download.refused', facts: { status: 401 } });
    expect((await problemFrom(open(server.url, { token: async () => 'hf_x' }).lookUp('no/where', null))).code).toBe('download.unknown');
    const before = server.requests.length;
    for (const name of ['x', '../..', 'a/b/c', 'a/..', 'a b/c', 'a/b?x', '']) expect((await problemFrom(hub.lookUp(name, null))).code).toBe('download.unknown');
    for (const revision of ['../x', '', 'a b', '-x']) expect((await problemFrom(hub.lookUp('a/b', revision))).code).toBe('download.unknown');
    expect(server.requests.length).toBe(before);
    expect((await problemFrom(open('http://127.0.0.1:9').lookUp('a/b', null))).code).toBe('download.no_answer');
  });
});

describe('the token', () => {
  it('goes to the hub; without it a gated file says what to do', async () => {
    const server = await serve({ 'maker/gated': { files: files(['m-Q8_0.gguf']), gated: 'hf_secret' } });
    const url = open(server.url).resolve('maker/gated', null, 'm-Q8_0.gguf');
    const refused = await problemFrom(open(server.url).fetchHeader(url, 1000));
    expect(refused.code).toBe('download.refused');
    expect(refused.remedy).toMatch(/terms.*hub_token/);
    const header = await open(server.url, { token: async () => 'hf_secret' }).fetchHeader(url, 1000);
    expect(header.totalBytes).toBe(300_000);
    await header.remove();
    expect(server.requests.at(-1)?.authorization).toBe('Bearer hf_secret');
    expect((await open(server.url).lookUp('maker/gated', null)).gated).toBe(true);
  });

  it('never follows a redirect to another server', async () => {
    const store = await serve({ 'a/b': { files: files(['x.gguf']) } });
    const server = await serve({ 'maker/m': { files: { 'm.gguf': { content, misbehave: { kind: 'redirect', to: `${store.url}/a/b/resolve/main/x.gguf` } } } } });
    const hub = open(server.url, { token: async () => 'hf_secret' });
    const answer = await hub.open(hub.resolve('maker/m', null, 'm.gguf'), {}, AbortSignal.timeout(5000), 1000);
    answer.body.destroy();
    expect(answer.status).toBe(200);
    expect(answer.linkedEtag).toBe(content.sha256);
    expect(server.requests.at(-1)?.authorization).toBe('Bearer hf_secret');
    expect(store.requests.at(-1)?.authorization).toBeNull();
    // Nor does it go to an address that only was named.
    await hub.open(`${store.url}/a/b/resolve/main/x.gguf`, {}, AbortSignal.timeout(5000), 1000).then((one) => one.body.destroy(), () => undefined);
    expect(store.requests.every((one) => one.authorization === null)).toBe(true);
  });
});

describe('addresses', () => {
  it.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '192.168.0.1', '172.31.0.1', '100.64.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255', '::1', '::', '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', 'fe80::1', 'fe80::1%eth0', 'fd00::1', 'ff02::1', '64:ff9b::7f00:1', '64:ff9b::169.254.169.254', '64:ff9b:1::1', '2002:7f00:1::', 'not an address'])('%s is private', (address) => { expect(isPrivateAddress(address)).toBe(true); });
  it.each(['1.1.1.1', '172.32.0.1', '8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808', '2002:808:808::'])('%s is public', (address) => { expect(isPrivateAddress(address)).toBe(false); });

  const rule = { trustedOrigin: 'https://hub.example' };
  it.each<[string, readonly string[], boolean, boolean]>([
    ['https://hub.example/x', [], true, true],
    ['https://cdn.example/x', ['https://hub.example/x'], true, false],
    ['http://cdn.example/x', ['https://hub.example/x'], false, false],
    ['https://127.0.0.1/x', ['https://hub.example/x'], false, false],
    ['https://localhost/x', [], false, false],
    ['https://2130706433/x', [], false, false],
    ['https://0177.0.0.1/x', [], false, false],
    ['https://[::ffff:127.0.0.1]/x', [], false, false],
    ['https://me:pw@hub.example/x', [], false, false],
    ['ftp://hub.example/x', [], false, false],
    ['file:///etc/passwd', [], false, false],
  ])('%s after %o: %s', (url, before, allowed, privateAllowed) => {
    expect(decideAddress(new URL(url), rule, before.map((one) => new URL(one)))).toMatchObject({ allowed, privateAllowed });
  });
  it('a server of the own network may lead to another one, until the way has been through a public one', () => {
    const local = { trustedOrigin: 'http://127.0.0.1:8000' };
    const at = (url: string, ...before: string[]): boolean => decideAddress(new URL(url), local, before.map((one) => new URL(one))).allowed;
    expect(at('http://127.0.0.1:9000/x', 'http://127.0.0.1:8000/x')).toBe(true);
    expect(at('http://192.168.1.2/x', 'http://127.0.0.1:8000/x')).toBe(true);
    expect(at('https://10.0.0.1/x', 'http://127.0.0.1:8000/x', 'https://cdn.example/x')).toBe(false);
    expect(at('http://127.0.0.1:9000/x')).toBe(false);
    // A name is not taken for local before it is resolved.
    expect(decideAddress(new URL('http://127.0.0.1:9/x'), { trustedOrigin: 'http://hub.example' }, [new URL('http://hub.example/x')]).allowed).toBe(false);
  });

  it('a redirect from a named hub into this machine is not followed, nor a name that turns out to lie here', async () => {
    const inside = await serve({ 'a/b': { files: files(['x.gguf']) } });
    const server = await serve({ 'maker/m': { files: { 'm.gguf': { content, misbehave: { kind: 'redirect', to: `${inside.url}/a/b/resolve/main/x.gguf` } }, 'n.gguf': { content, misbehave: { kind: 'redirect', to: `https://rebound.example:${inside.port}/x` } } } } });
    // First public, then private: what counts is the answer for the very connection.
    const asked: string[] = [];
    const resolve = (host: string, answer: (error: Error | null, addresses: LookupAddress[]) => void): void => {
      asked.push(host);
      answer(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    const hub = open(`http://hub.example:${server.port}`, { resolve });
    for (const file of ['m.gguf', 'n.gguf']) expect((await problemFrom(hub.fetchHeader(hub.resolve('maker/m', null, file), 1000))).code).toBe('download.foreign_address');
    expect(asked).toContain('rebound.example');
    expect(inside.requests).toEqual([]);
    expect((await problemFrom(hub.fetchHeader('https://rebound.example/x', 1000))).cause).toMatch(/not on the public internet/);
    expect((await problemFrom(hub.fetchHeader('http://plain.example/x', 1000))).cause).toMatch(/not https/);
    expect((await problemFrom(hub.fetchHeader('nothing', 1000))).code).toBe('download.foreign_address');
  });

  it('redirects in a circle end', async () => {
    const server = await serve({});
    server.serve('maker/m', 'm.gguf', { content, misbehave: { kind: 'redirect', to: `${server.url}/maker/m/resolve/main/m.gguf` } });
    const hub = open(server.url);
    expect((await problemFrom(hub.fetchHeader(hub.resolve('maker/m', null, 'm.gguf'), 1000))).cause).toMatch(/more than 5 times/);
    expect(server.requests).toHaveLength(6);
  });
});

describe('a header', () => {
  it('is fetched by range, and no more than it needs, also when it is longer than the first guess', async () => {
    const vocabulary = Array.from({ length: 60_000 }, (_, i) => `token ${i} of many`);
    const large = makeGguf(20_000_000, 1, { 'general.architecture': 'llama', 'tokenizer.ggml.tokens': vocabulary });
    const server = await serve({ 'a/b': { files: { 'x.gguf': { content: large }, 'whole.gguf': { content: large, ranges: false } } } });
    const hub = open(server.url, { idleMs: 5000 });
    for (const file of ['x.gguf', 'whole.gguf']) {
      const header = await hub.fetchHeader(hub.resolve('a/b', null, file), 100_000);
      const bytes = readFileSync(header.path);
      const length = measureHeader(bytes);
      expect(length.state).toBe('whole');
      expect(header.totalBytes).toBe(20_000_000);
      expect(bytes.equals(large.read(0, bytes.length))).toBe(true);
      expect(bytes.length).toBeLessThan(2 * (length.state === 'whole' ? length.bytes : 0));
      await header.remove();
      expect(existsSync(header.path)).toBe(false);
    }
  });

  it('that is none, lies, or does not come', async () => {
    const lying = makeGguf(1000).read(0, 1000);
    lying.writeBigUInt64LE(10n ** 12n, 16);
    const server = await serve({ 'a/b': { files: {
      'page.gguf': { content, misbehave: { kind: 'html' } }, 'text.gguf': { content: contentOf('{"error": 1}') }, 'lies.gguf': { content: contentOf(lying) },
      'silent.gguf': { content, misbehave: { kind: 'stall', afterBytes: 10 } }, 'gone.gguf': { content, misbehave: { kind: 'status', status: 404, headers: { 'x-error-code': 'EntryNotFound' } } }, 'busy.gguf': { content, misbehave: { kind: 'status', status: 503 } }, 'wrong.gguf': { content, misbehave: { kind: 'wrong_range' } },
    } } });
    const hub = open(server.url);
    for (const [file, code] of [['page', 'download.not_model'], ['text', 'download.not_model'], ['lies', 'model.damaged'], ['silent', 'download.stalled'], ['gone', 'download.unknown'], ['busy', 'download.no_answer'], ['wrong', 'download.not_model']] as const) {
      expect((await problemFrom(hub.fetchHeader(hub.resolve('a/b', null, `${file}.gguf`), 100_000))).code, file).toBe(code);
    }
    const cancelled = new AbortController();
    const asking = hub.fetchHeader(hub.resolve('a/b', null, 'silent.gguf'), 100_000, cancelled.signal);
    cancelled.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
  });

  it('a cut file gives what there is', async () => {
    const server = await serve({ 'a/b': { files: { 'x.gguf': { content: contentOf(makeGguf(1000).read(0, 40)) } } } });
    const hub = open(server.url);
    const header = await hub.fetchHeader(hub.resolve('a/b', null, 'x.gguf'), 100_000);
    expect(readFileSync(header.path).length).toBe(40);
    await header.remove();
  });
});

describe('small readers', () => {
  it.each([
    ['SmolLM2-135M-Instruct-Q4_K_M.gguf', 'Q4_K_M'], ['SmolLM2-135M-Instruct.Q4_1.gguf', 'Q4_1'], ['x-IQ3_XXS.gguf', 'IQ3_XXS'], ['UD-Q2_K_XL/m-UD-Q2_K_XL-00001-of-00002.gguf', 'UD-Q2_K_XL'], ['m.f16.gguf', 'F16'], ['m-fp16.gguf', 'F16'], ['gpt-oss-mxfp4.gguf', 'MXFP4'], ['m-bf16.gguf', 'BF16'], ['m-TQ1_0.gguf', 'TQ1_0'], ['qwen2.5-7b-instruct-q5_0.gguf', 'Q5_0'], ['plain.gguf', null], ['iQ.gguf', null],
  ])('quantisation of %s', (name, quantisation) => { expect(parseQuantisation(name)).toBe(quantisation); });

  it('a split model with parts missing is not offered', () => { expect(groupFiles([{ file: 'x-00001-of-00002.gguf', bytes: 1, sha256: null }])).toEqual([]); });
  it.each([['bytes 0-9/100', { start: 0, end: 10, total: 100 }], ['bytes 5-9/*', { start: 5, end: 10, total: null }], ['bytes 9-5/100', null], ['bytes 0-100/50', null], ['items 0-1/2', null], [undefined, null]])('Content-Range %s', (text, range) => { expect(parseContentRange(text)).toEqual(range); });
  it.each([['<https://h/x?cursor=1>; rel="next"', 'https://h/x?cursor=1'], ['<https://h/x>; rel="prev"', null], [undefined, null]])('Link %s', (text, next) => { expect(parseNextLink(text)).toBe(next); });
  it.each<[string, string]>([['<!DOCTYPE html><title>Sign\nin</title>', 'a web page, "Sign in"'], ['<html>', 'a web page'], ['PK\u0003\u0004', 'a zip archive'], ['{"a":1}', 'JSON text'], ['<?xml', 'an XML document'], ['\u0000\u0000', 'a file that is not GGUF'], ['', 'an empty file']])('%j is described', (text, what) => { expect(describeBody(Buffer.from(text), undefined)).toBe(what); });
  it.each([['not json'], ['[]x'], ['"text"'], ['null']])('%s is no answer of a hub', (text) => { expect(() => parseRepository(text, { repository: 'a/b', revision: null, baseUrl: 'https://h' })).toThrow(); });
  it('an answer full of nonsense offers nothing', () => {
    const { model } = parseRepository(JSON.stringify({ sha: '<script>', gated: 7, tags: 'x', cardData: { license: 5 }, siblings: [{ rfilename: 5 }] }), { repository: 'a/b', revision: null, baseUrl: 'https://h' });
    expect(model).toMatchObject({ revision: null, files: [], licence: null, gated: false });
  });

  it.each([
    [{ status: 403, errorCode: 'GatedRepo', repository: 'a/b', tokenSet: true }, 'download.refused', /whose token is set/],
    [{ status: 401, errorCode: 'GatedRepo', repository: 'a/b', tokenSet: false }, 'download.refused', /while signed in/],
    [{ status: 401, errorCode: null, repository: 'a/b', tokenSet: true }, 'download.refused', /not accepted/],
    [{ status: 401, errorCode: null, repository: null, tokenSet: false }, 'download.refused', /browser/],
    [{ status: 403, errorCode: null, repository: null, tokenSet: false }, 'download.refused', /expire/],
    [{ status: 404, errorCode: 'RevisionNotFound', repository: 'a/b', tokenSet: false }, 'download.unknown', /./],
    [{ status: 410, errorCode: null, repository: null, tokenSet: false }, 'download.unknown', /./],
    [{ status: 418, errorCode: null, repository: null, tokenSet: false }, 'download.refused', /address/],
  ] as const)('%o: %s', (refusal, code, remedy) => {
    const problem = decideRefusal({ url: 'https://h/x', file: 'x.gguf', pageUrl: 'https://h/a/b', ...refusal });
    expect(problem.code).toBe(code);
    expect(problem.remedy).toMatch(remedy);
    // Where a token helps, a click leads to where it is set.
    expect(problem.actions.map((a) => a.kind === 'open' && a.place)).toEqual(/Settings, Secrets/.test(problem.remedy) ? ['settings/secrets'] : []);
  });
});
