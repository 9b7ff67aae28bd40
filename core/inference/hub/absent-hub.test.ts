import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startModelHub } from '../../testing/model-hub/start-model-hub.ts';
import { makeGguf } from '../../testing/model-hub/make-gguf.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { decideTries, FETCH_LIMITS } from '../downloads/fetching.ts';
import { openDownloads, untilDownload, untilEnded, type Bench } from '../downloads/fixtures/downloads-under-test.ts';
import { isAbsence } from './trouble.ts';
import type { OfferedModel } from '../../../contract/models.ts';

const MB = 1024 * 1024;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A port of this machine on which nobody listens: it was ours a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}
/** With the waits and tries of the product. */
function open(hubUrl: string, offeredModels: readonly OfferedModel[] = []): Bench {
  const bench = openDownloads(hubUrl, makeTestFolder('absent'), { limits: FETCH_LIMITS, offeredModels });
  closing.push(() => bench.stop());
  return bench;
}
const offered: OfferedModel = {
  id: 'small', name: 'Small', repository: 'maker/small-GGUF', revision: null, parameters: 1e8, activeParameters: null, contextTrained: null, licence: null, note: 'For tests.', gated: false, package: null, first: false,
  files: [{ quantisation: 'Q8_0', file: 'small-Q8_0.gguf', parts: 1, bytes: 9 * MB, sha256: null, hereAs: null }],
};

describe('where nobody is', () => {
  it.each<[string, () => Promise<string>, RegExp]>([
    ['a refused connection', async () => `http://127.0.0.1:${String(await closedPort())}`, /ECONNREFUSED/],
    // .invalid is reserved: no name server knows it (RFC 6761).
    ['a name that does not exist', async () => 'http://hub.invalid', /ENOTFOUND|EAI_AGAIN/],
  ])('%s is said at once, of a download and of a look-up', async (what, address, detail) => {
    const { downloads, hub } = open(await address(), [offered]);
    const before = performance.now();
    const lookUp = await problemFrom(hub.lookUp('maker/small-GGUF', null));
    const { id } = await downloads.start({ offered: 'small', quantisation: null });
    const ended = await untilEnded(downloads, id);
    expect(ended).toMatchObject({ state: 'failed', problem: { code: 'download.no_answer', retry: 'later' } });
    expect(ended.problem?.cause).toMatch(detail);
    expect(lookUp.code).toBe('download.no_answer');
    // Six tries with their pauses take 15.5 s; a resolver may take its own time.
    if (what.includes('refused')) expect(performance.now() - before).toBeLessThan(3000);
  });

  it('is tried again as often as ever once a server has answered: one that restarts is waited for', async () => {
    const content = makeGguf(12 * MB);
    const repositories = { 'maker/small-GGUF': { files: { 'small-Q8_0.gguf': { content, misbehave: { kind: 'slow', bytes: 64 * 1024 } as const } } } };
    const first = await startModelHub(repositories);
    const { downloads } = open(first.url);
    const { id } = await downloads.start({ repository: 'maker/small-GGUF', revision: null, file: null, quantisation: 'Q8_0' });
    await untilDownload(downloads, id, (one) => one.doneBytes > MB);
    await first.stop();
    await untilDownload(downloads, id, (one) => one.connections <= 1 || one.state === 'failed');
    const again = await startModelHub({ 'maker/small-GGUF': { files: { 'small-Q8_0.gguf': { content } } } }, { port: first.port });
    closing.push(() => again.stop());
    expect(await untilEnded(downloads, id)).toMatchObject({ state: 'done', doneBytes: content.size });
  });
});

const coded = (code: string): Error => Object.assign(new Error(code), { code });
it.each<[unknown, boolean]>([
  [coded('ECONNREFUSED'), true], [coded('ENOTFOUND'), true], [coded('EAI_AGAIN'), true], [coded('EHOSTUNREACH'), true], [coded('ECONNRESET'), false], [coded('ETIMEDOUT'), false], [coded('CERT_HAS_EXPIRED'), false],
  [new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')]), true], [new AggregateError([coded('ECONNREFUSED'), coded('ETIMEDOUT')]), false], [new AggregateError([]), false], ['ECONNREFUSED', false], [null, false],
])('%o: nobody is there: %s', (error, absent) => { expect(isAbsence(error)).toBe(absent); });

it.each([[true, false, 6, 2], [true, false, 1, 1], [true, true, 6, 6], [false, false, 6, 6]])('absent %s, heard %s, %i tries: %i', (absent, heard, tries, most) => { expect(decideTries({ absent }, heard, tries)).toBe(most); });
