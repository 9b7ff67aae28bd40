import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonTools } from '../../testing/python-tools.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { decideAdvice } from './decide-advice.ts';
import { adviceInput, environment, xray } from './testing.ts';

const run = promisify(execFile);
const tools = pythonTools();
const folder = makeTestFolder('advice');
const wheels = join(folder, 'wheels');
let base = '';

/** A small real wheel of this name and version, which says its version in version.py. */
const WHEEL = `
import sys, zipfile
folder, name, version, needs = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
info = f'{name}-{version}.dist-info'
files = {f'{name}/__init__.py': '', f'{name}/version.py': f'__version__ = {version!r}\\n', f'{info}/METADATA': f'Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n' + ''.join(f'Requires-Dist: {n}\\n' for n in needs), f'{info}/WHEEL': 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n'}
with zipfile.ZipFile(f'{folder}/{name}-{version}-py3-none-any.whl', 'w') as z:
    for path, text in files.items(): z.writestr(path, text)
    z.writestr(f'{info}/RECORD', ''.join(f'{path},,\\n' for path in files) + f'{info}/RECORD,,\\n')
`;
const wheel = (label: string, name: string, version: string, ...needs: string[]): void => {
  mkdirSync(join(wheels, label, name), { recursive: true });
  execFileSync(tools.python, ['-c', WHEEL, join(wheels, label, name), name, version, ...needs]);
};

/** An index in the way of PyTorch's: a folder a label, a page a package. */
const server = createServer((request, response) => {
  const [, , label = '', name = '', file = ''] = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname).split('/');
  try {
    if (file !== '') return void response.end(readFileSync(join(wheels, label, name, file)));
    response.setHeader('content-type', 'text/html');
    response.end(readdirSync(join(wheels, label, name)).map((f) => `<a href="/whl/${label}/${name}/${encodeURIComponent(f)}">${f}</a>`).join('\n'));
  } catch { response.statusCode = 404; response.end(); }
});

beforeAll(async () => {
  wheel('cu121', 'torch', '2.4.1+cu121');
  wheel('cu121', 'torchvision', '0.19.1+cu121', 'torch==2.4.1');
  wheel('cu130', 'torch', '2.14.0+cu130');
  wheel('cu130', 'torch', '2.14.1+cu130');
  wheel('cu130', 'torch', '2.15.0+cu130');
  wheel('cu130', 'torchvision', '0.29.0+cu130', 'torch==2.14.0');
  wheel('cu130', 'torchvision', '0.29.2+cu130', 'torch>=2.14.0');
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  base = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/whl`;
});
afterAll(async () => {
  await new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
});

describe('the commands of the advice, run by a real shell as they stand', () => {
  it.each(['uv', 'pip'] as const)('%s, in a folder with blanks, quotes, a line end and a leading dash', { timeout: 120_000 }, async (tool) => {
    const prefix = join(folder, tool, `-it's a "test"\n$(touch wrong)`, '.venv');
    mkdirSync(dirname(prefix), { recursive: true });
    const env = { PATH: `${dirname(tools.uv)}:/usr/bin:/bin`, HOME: folder, UV_CACHE_DIR: join(folder, 'uv-cache'), PIP_CACHE_DIR: join(folder, 'pip-cache'), UV_NO_CONFIG: '1', PIP_CONFIG_FILE: '/dev/null' };
    if (tool === 'uv') await run(tools.uv, ['venv', '--quiet', '--python', tools.python, prefix], { env });
    else await run(tools.python, ['-m', 'venv', prefix], { env });
    const python = join(prefix, 'bin', 'python');
    await run(tools.uv, ['pip', 'install', '--quiet', '--python', python, '--index-url', `${base}/cu121`, 'torch==2.4.1', 'torchvision'], { env });
    const version = (await run(python, ['-c', 'import sys; print(sys.version.split()[0])'], { env })).stdout.trim();

    const advice = decideAdvice(await adviceInput({ found: environment({ prefix, tool, kind: tool === 'uv' ? 'uv' : 'venv', python: { path: python, version: version.startsWith('3.1') ? version : '3.12.3' } }), xray: xray('2.4.1+cu121', { names: ['torch==2.4.1+cu121', 'torchvision==0.19.1+cu121'] }), torchIndexUrl: base }));
    const route = advice.routes.find((r) => r.recommended);
    expect(route?.target?.version).toBe('2.14.1+cu130');
    for (const command of route?.commands ?? []) await run('sh', ['-c', command], { env, cwd: folder });
    const says = await run(python, ['-c', 'import torch.version, torchvision.version; print(torch.version.__version__, torchvision.version.__version__)'], { env });
    expect(says.stdout.trim()).toBe('2.14.1+cu130 0.29.2+cu130');
    // The last of the commands that show that it worked needs no GPU.
    await run('sh', ['-c', route?.verify.at(-1) ?? 'false'], { env, cwd: folder });
    expect(readdirSync(folder)).not.toContain('wrong');
  });
});
