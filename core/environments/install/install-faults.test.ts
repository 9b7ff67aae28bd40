import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { Problem } from '../../../contract/problem.ts';
import { isProcessAlive } from '../../supervisor/process-identity.ts';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { buildWheel } from '../../testing/package-index/build-wheel.ts';
import { startForwardProxy } from '../../testing/package-index/start-forward-proxy.ts';
import { pythonTools } from '../../testing/python-tools.ts';
import { createPipTool } from './create-pip-tool.ts';
import { createUvTool } from './create-uv-tool.ts';
import { findTools } from './find-tools.ts';
import { accessTo, makeInstallBench, NEVER, newTorch, readPackageFile, recordProgress, routeTo, run } from './fixtures/install-bench.ts';
import type { IndexAccess, InstallTool } from './install-tool.ts';
import { readInstalledPackages } from './read-installed-packages.ts';
import type { ToolLimits, ToolSurroundings } from './run-tool-step.ts';

const bench = makeInstallBench('install-faults');
const tools = pythonTools();
const torchFile = (bench.wheels.indexes['whl/cu130'] ?? []).find((wheel) => wheel.name === 'torch' && wheel.version === '2.14.1+cu130')?.filename ?? '';

async function makeTool(by: 'pip' | 'uv', environment: FoundEnvironment, limits: Partial<ToolLimits> = {}, surroundings: ToolSurroundings = bench.surroundings(limits)): Promise<InstallTool> {
  const found = await findTools({ env: { PATH: join(tools.folder, 'bin') }, surroundings, home: bench.folder });
  if (by === 'pip') return createPipTool(surroundings, (await found.readPipVersion(environment)) ?? '');
  if (found.programs.uv === undefined) throw new Error('uv is not there');
  return createUvTool(surroundings, found.programs.uv);
}

/** Plans well, then installs badly; the environment must be as it was. */
async function installFails(by: 'pip' | 'uv', name: string, how: Parameters<Awaited<ReturnType<typeof bench.index>>['misbehave']>[1], limits: Partial<ToolLimits> = {}): Promise<Problem> {
  const index = await bench.index();
  const environment = await bench.environment(`${by}-${name}`, by, index);
  const tool = await makeTool(by, environment, limits);
  const access = accessTo(bench, index);
  const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
  index.misbehave(torchFile, how);
  const before = await readInstalledPackages(environment);
  const problem = await problemFrom(tool.install(environment, routeTo(newTorch), plan, access, recordProgress()));
  // Everything is fetched before anything is touched.
  expect(await readInstalledPackages(environment)).toEqual(before);
  expect(readPackageFile(environment, 'nvidia/cudnn/lib/libcudnn.so.9')).toBe('cudnn for CUDA 12\n');
  return problem;
}

describe.each(['pip', 'uv'] as const)('%s: what goes wrong while it installs', { timeout: 120_000 }, (by) => {
  it('a byte that is another', async () => {
    const problem = await installFails(by, 'flipped', { kind: 'flipped_byte' });
    expect(problem.code).toBe('upgrade.hash_mismatch');
  });

  it('a download that stands still', async () => {
    const problem = await installFails(by, 'stall', { kind: 'stall', afterBytes: 5000 }, { idleMs: 3000 });
    expect(problem).toMatchObject({ code: 'upgrade.stalled', facts: { seconds: 3 } });
  });

  it('a connection that breaks is taken up again by the tool itself', async () => {
    const index = await bench.index();
    const environment = await bench.environment(`${by}-cut`, by, index);
    const tool = await makeTool(by, environment);
    const access = accessTo(bench, index);
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    index.misbehave(torchFile, { kind: 'cut', afterBytes: 5000 });
    await tool.install(environment, routeTo(newTorch), plan, access, recordProgress());
    expect((await readInstalledPackages(environment)).get('torch')?.version).toBe('2.14.1+cu130');
  });

  it('an index that has errors of its own', async () => {
    const problem = await installFails(by, 'status', { kind: 'status', status: 500 });
    expect(problem.code).toBe('upgrade.index_unreachable');
    expect(problem.cause).toMatch(/500/);
  });

  it('is ended within a second when it is cancelled, with everything that it started', async () => {
    const index = await bench.index();
    const environment = await bench.environment(`${by}-cancel`, by, index);
    const pids: number[] = [];
    const real = bench.surroundings();
    const watched: ToolSurroundings = { ...real, runProgram: (options) => {
      const running = real.runProgram(options);
      const timer = setInterval(() => { if (running.pid !== null && !pids.includes(running.pid)) pids.push(running.pid); }, 5);
      void running.done.catch(() => undefined).finally(() => { clearInterval(timer); });
      return running;
    } };
    const tool = await makeTool(by, environment, {}, watched);
    const access = accessTo(bench, index);
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    index.misbehave(torchFile, { kind: 'stall', afterBytes: 5000 });
    const abort = new AbortController();
    const asked = index.asked(torchFile);
    const installing = tool.install(environment, routeTo(newTorch), plan, access, recordProgress(abort.signal)).then(() => 'finished', (error: unknown) => error);
    await asked;
    const at = performance.now();
    abort.abort();
    expect(await installing).toMatchObject({ name: 'AbortError' });
    // The promise is a second; the machine of the tests has much else to do.
    expect(performance.now() - at).toBeLessThan(3000);
    expect(pids.length).toBeGreaterThan(1);
    expect(pids.filter(isProcessAlive)).toEqual([]);
    expect((await readInstalledPackages(environment)).get('torch')?.version).toBe('2.4.1');
  });
});

describe.each(['pip', 'uv'] as const)('%s: what goes wrong while it plans', { timeout: 120_000 }, (by) => {
  const planFails = async (name: string, wish: ReturnType<typeof routeTo>, options: Parameters<typeof bench.index>[0] = {}, more: (access: IndexAccess) => IndexAccess = (access) => access): Promise<Problem> => {
    const good = await bench.index();
    const environment = await bench.environment(`${by}-plan-${name}`, by, good);
    const index = await bench.index(options);
    const tool = await makeTool(by, environment);
    return problemFrom(tool.resolve(environment, wish, more(accessTo(bench, index)), NEVER));
  };

  it('requirements that cannot be met together', async () => {
    const problem = await planFails('conflict', routeTo(newTorch, ['xformers==0.0.28']));
    expect(problem.code).toBe('upgrade.conflict');
    expect(problem.cause).toMatch(/xformers.*torch/s);
  });

  it('a version whose wheels are for another Python', async () => {
    const problem = await planFails('tag', routeTo({ ...newTorch, version: '2.13.0+cu130' }));
    expect(problem.code).toBe('upgrade.no_wheel');
    expect(problem.cause).toMatch(/torch 2\.13\.0\+cu130 is built for cp38 only; this environment has Python 3\.\d+ \(cp3\d+\)/);
  });

  it('a version that is not there', async () => {
    const problem = await planFails('absent', routeTo({ ...newTorch, version: '2.99.0+cu130' }));
    expect(problem.code).toBe('upgrade.no_wheel');
    expect(problem.cause).toContain('There is no torch 2.99.0+cu130 in this index; the newest there are 2.14.1+cu130, 2.13.0+cu130.');
  });

  it('a sign-in page in the place of an index', async () => {
    const problem = await planFails('portal', routeTo(newTorch), { everything: { kind: 'portal' } });
    expect(problem.code).toBe('upgrade.index_unreachable');
    expect(problem.cause).toContain('a web page that is no package index');
  });

  it.each([500, 407, 403])('status %s for everything', async (status) => {
    const problem = await planFails(`status-${status}`, routeTo(newTorch), { everything: { kind: 'status', status } });
    expect(problem.code).toBe('upgrade.index_unreachable');
    expect(problem.cause).toContain(String(status));
  });

  it('nobody at the address', async () => {
    const problem = await planFails('nobody', routeTo(newTorch), {}, (access) => ({ ...access, torchIndexUrl: 'http://127.0.0.1:9/whl' }));
    expect(problem).toMatchObject({ code: 'upgrade.index_unreachable' });
    expect(problem.cause).toContain('127.0.0.1:9');
  });

  it('a certificate that nobody vouches for: its issuer is named', async () => {
    const at = (name: string): string => join(bench.folder, `${by}-${name}.pem`);
    const [key, cert, ca] = [at('key'), at('cert'), at('ca')];
    await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('ca-key'), '-out', ca, '-days', '2', '-subj', '/O=Nosy Ltd/CN=Nosy Proxy CA', '-addext', 'keyUsage=critical,keyCertSign']);
    await run('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', at('request'), '-subj', '/CN=127.0.0.1']);
    writeFileSync(at('extensions'), 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n');
    await run('openssl', ['x509', '-req', '-in', at('request'), '-CA', ca, '-CAkey', at('ca-key'), '-CAcreateserial', '-out', cert, '-days', '2', '-extfile', at('extensions')]);
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
    const problem = await planFails('tls', routeTo(newTorch), { tls });
    expect(problem.code).toBe('upgrade.index_unreachable');
    expect(problem.cause).toContain('Its certificate was issued by "Nosy Proxy CA"');
    // The user's own certificate file makes it good.
    const index = await bench.index({ tls });
    const environment = await bench.environment(`${by}-tls`, by, index);
    const plan = await (await makeTool(by, environment)).resolve(environment, routeTo(newTorch), accessTo(bench, index, { env: { SSL_CERT_FILE: ca, PIP_CERT: ca } }), NEVER);
    expect(plan.downloadBytes).toBeGreaterThan(0);
  });

  it('a route without a build', async () => {
    expect((await planFails('route', routeTo(null))).code).toBe('upgrade.manual_route');
  });
});

describe.each(['pip', 'uv'] as const)('%s: what stands between', { timeout: 120_000 }, (by) => {
  it('an index with a password: it is used, and stands in no line, command or Problem', async () => {
    const credentials = { user: 'ann', password: 'topsecret-71' };
    const index = await bench.index({ credentials });
    const environment = await bench.environment(`${by}-auth`, by, index);
    const tool = await makeTool(by, environment);
    const host = index.urlWithCredentials;
    const access = accessTo(bench, index, { torchIndexUrl: `${host}/whl`, packageIndexUrl: `${host}/simple` });
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    const context = recordProgress();
    await tool.install(environment, routeTo(newTorch), plan, access, context);
    expect((await readInstalledPackages(environment)).get('torch')?.version).toBe('2.14.1+cu130');
    const said = JSON.stringify([context.logged, context.told, plan.commands, plan.changes]);
    expect(said).toContain('***@');
    expect(said).not.toContain(credentials.password);

    const wrong: IndexAccess = { ...access, torchIndexUrl: `${host.replace(credentials.password, 'wrongsecret-3')}/whl`, packageIndexUrl: null };
    const other = await bench.environment(`${by}-auth-wrong`, by, index);
    const problem = await problemFrom((await makeTool(by, other)).resolve(other, routeTo(newTorch), wrong, NEVER));
    expect(problem.code).toBe('upgrade.index_unreachable');
    expect(JSON.stringify(problem)).not.toContain('wrongsecret-3');
  });

  it('a proxy of the user’s variables is used', async () => {
    const index = await bench.index();
    const environment = await bench.environment(`${by}-proxy`, by, index);
    const proxy = await startForwardProxy();
    try {
      const tool = await makeTool(by, environment);
      const access = accessTo(bench, index, { torchIndexUrl: 'http://wheels.example/whl', packageIndexUrl: null, env: { HTTP_PROXY: proxy.url, http_proxy: proxy.url, PIP_TRUSTED_HOST: 'wheels.example' } });
      proxy.lead('wheels.example', index.url);
      const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
      expect(plan.downloadBytes).toBeGreaterThan(0);
      await tool.install(environment, routeTo(newTorch), plan, access, recordProgress());
      expect(proxy.requests.some((line) => line.includes('wheels.example/whl/cu130/torch/'))).toBe(true);
    } finally {
      await proxy.stop();
    }
  });

  it('wheels that want out of the environment, or that lie about their size, are refused', async () => {
    const hostile = buildWheel({ name: 'climber', version: '1.0', files: { 'climber.py': '' }, hostileNames: ['../../../../../climbed.txt'] });
    const honest = buildWheel({ name: 'liar', version: '1.0', files: { 'liar.py': '#'.repeat(100_000) } });
    // The directory promises one byte where a hundred thousand come.
    const lying = Buffer.from(honest.bytes);
    for (let at = lying.indexOf(Buffer.from('liar.py')); at >= 0; at = lying.indexOf(Buffer.from('liar.py'), at + 1)) {
      const isLocal = lying.readUInt32LE(at - 30) === 0x04034b50;
      if (isLocal) lying.writeUInt32LE(1, at - 30 + 22);
      else if (lying.readUInt32LE(at - 46) === 0x02014b50) lying.writeUInt32LE(1, at - 46 + 24);
    }
    const folder = join(bench.folder, `${by}-hostile-wheels`);
    mkdirSync(folder);
    writeFileSync(join(folder, hostile.filename), hostile.bytes);
    writeFileSync(join(folder, honest.filename), lying);
    for (const wheel of bench.wheels.indexes['whl/cu130'] ?? []) writeFileSync(join(folder, wheel.filename), wheel.bytes);
    const index = await bench.index();
    for (const name of ['climber', 'liar']) {
      const environment = await bench.environment(`${by}-hostile-${name}`, by, index);
      const tool = await makeTool(by, environment);
      const access = accessTo(bench, index, { wheelFolder: folder });
      const failing = (async (): Promise<void> => {
        const plan = await tool.resolve(environment, routeTo(newTorch, [name]), access, NEVER);
        await tool.install(environment, routeTo(newTorch, [name]), plan, access, recordProgress());
      })();
      if (by === 'uv' && name === 'climber') {
        // uv leaves out what wants out, and puts the rest where it belongs.
        await failing;
        expect(readPackageFile(environment, 'climber.py')).toBe('');
        expect(readPackageFile(environment, '../../../../../climbed.txt')).toBeNull();
        continue;
      }
      const problem = await problemFrom(failing);
      expect([name, problem.code]).toEqual([name, 'upgrade.hash_mismatch']);
      expect(readPackageFile(environment, '../../../../../climbed.txt')).toBeNull();
    }
  });
});

describe('a disk without room', () => {
  it('is told before anything is fetched', async () => {
    const index = await bench.index();
    const environment = await bench.environment('no-room', 'uv', index);
    const tool = await makeTool('uv', environment);
    const access = accessTo(bench, index);
    const plan = await tool.resolve(environment, routeTo(newTorch), access, NEVER);
    const asked = index.requests.length;
    const problem = await problemFrom(tool.install(environment, routeTo(newTorch), { ...plan, installBytes: 1e15 }, access, recordProgress()));
    expect(problem.code).toBe('upgrade.no_space');
    expect(index.requests.length).toBe(asked);
  });
});
