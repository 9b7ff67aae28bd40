import { describe, expect, it } from 'vitest';
import { decideChanges, decideOrphans, decideReinstalls, decideRequests } from './decide-change-set.ts';
import { decideToolProblem } from './decide-tool-problem.ts';
import { explainMissingWheel, type WheelSurroundings } from './explain-missing-wheel.ts';
import { newTorch } from './fixtures/install-bench.ts';
import { indexArguments, readIndexAccess, torchIndexOf } from './index-access.ts';
import { defaultSettings } from '../../../contract/settings.ts';
import { parsePylock, parseUvAnnotations, parseUvPlan } from './parse-uv-output.ts';
import { parseMetadata, type InstalledPackage } from './read-installed-packages.ts';
import { createRedactor, redactUrl } from './redact-url.ts';
import { quoteArgument } from './run-tool-step.ts';

const installed = (packages: Readonly<Record<string, readonly [string, ...string[]]>>): ReadonlyMap<string, InstalledPackage> =>
  new Map(Object.entries(packages).map(([name, [version, ...requirements]]) => [name, {
    name, version, installer: 'pip', requirements, requires: requirements.filter((line) => !line.includes('extra ==')).map((line) => /^[\w-]+/.exec(line)?.[0] ?? ''), direct: null, infoFolder: '', packageFolder: '',
  }]));

const OLD = installed({
  torch: ['2.4.1', 'sympy', 'nvidia-cudnn-cu12 ==9.1', 'triton ==3.0', "optree ; extra == 'optree'"], torchvision: ['0.19.1', 'torch ==2.4.1', 'numpy'], sympy: ['1.12', 'mpmath'], mpmath: ['1.3'],
  'nvidia-cudnn-cu12': ['9.1'], 'nvidia-cudnn-cu11': ['8.9'], 'nvidia-ml-py': ['12.5'], triton: ['3.0'], numpy: ['1.26'], cupy: ['13.0', 'nvidia-nccl-cu12'], 'nvidia-nccl-cu12': ['2.20'], optree: ['0.1'],
});

describe('what is asked for', () => {
  it('holds everything but what torch needs, and writes the label', () => {
    const asked = decideRequests(newTorch, ['cupy>=14'], OLD);
    expect(asked.family).toEqual(['torch==2.14.1+cu130', 'torchvision==0.29.1+cu130']);
    expect(asked.constraints).toEqual(['numpy==1.26', 'optree==0.1']);
  });
  it('leaves the version of a companion open where no pair is known', () => {
    expect(decideRequests({ ...newTorch, torchvision: null }, [], OLD).family).toEqual(['torch==2.14.1+cu130', 'torchvision']);
  });
});

describe('what goes with the old torch', () => {
  const arriving = [{ name: 'torch', version: '2.14.1+cu130' }, { name: 'nvidia-cudnn-cu13', version: '9.13' }, { name: 'triton', version: '3.9' }];
  it('is what came for CUDA and is needed by nobody; not what the user put there or another package needs', () => {
    expect(decideOrphans(OLD, arriving, new Set(['torch', 'sympy', 'nvidia-cudnn-cu13', 'triton']))).toEqual(['nvidia-cudnn-cu11', 'nvidia-cudnn-cu12']);
  });
  it('is nothing while it is not known what the new one needs', () => {
    expect(decideOrphans(OLD, arriving, null)).toEqual([]);
  });
  it('takes files of others with it, which are put there again', () => {
    const records = new Map([['nvidia-cudnn-cu12', ['nvidia/cudnn/a.so']], ['cupy', ['nvidia/cudnn/a.so', 'cupy.py']], ['numpy', ['numpy.py']]]);
    expect(decideReinstalls(new Set(['nvidia-cudnn-cu12']), OLD, records)).toEqual(['cupy']);
    expect(decideChanges(OLD, arriving, ['nvidia-cudnn-cu12'], ['cupy'], new Map(), new Map()).map((one) => [one.name, one.from, one.to])).toEqual([['cupy', '13.0', '13.0'], ['nvidia-cudnn-cu12', '9.1', null], ['nvidia-cudnn-cu13', null, '9.13'], ['torch', '2.4.1', '2.14.1+cu130'], ['triton', '3.0', '3.9']]);
  });
});

describe('why a wheel does not fit', () => {
  const around: WheelSurroundings = { abi: 'cp311', pythonVersion: '3.11.7', platform: 'linux', arch: 'x64', glibc: '2.26' };
  it.each([
    ['torch==2.0', [], 'The index has no files of torch.'],
    ['torch==2.0', ['torch-2.0.tar.gz'], 'The index has torch only as source, which would have to be compiled.'],
    ['torch==2.0', ['torch-2.1-cp311-cp311-linux_x86_64.whl', 'torch-2.10-cp311-cp311-linux_x86_64.whl'], 'There is no torch 2.0 in this index; the newest there are 2.10, 2.1.'],
    ['torch==2.0', ['torch-2.0+cu130-cp310-cp310-linux_x86_64.whl', 'torch-2.0+cu130-cp313-cp313t-linux_x86_64.whl'], 'torch 2.0 is built for cp313t, cp310 only; this environment has Python 3.11.7 (cp311).'],
    ['torch==2.0', ['torch-2.0-cp311-cp311-win_amd64.whl'], 'torch 2.0 is built for win_amd64 only; this machine is linux_x86_64.'],
    ['torch==2.0', ['torch-2.0-cp311-cp311-linux_aarch64.whl'], 'torch 2.0 is built for linux_aarch64 only; this machine is linux_x86_64.'],
    ['torch==2.0', ['torch-2.0-cp311-cp311-manylinux_2_28_x86_64.whl'], 'torch 2.0 needs glibc 2.28 or newer; this system has 2.26.'],
    ['torch==2.0', ['torch-2.0-cp39-abi3-manylinux2014_x86_64.whl'], 'The index has torch 2.0 for this Python and platform, but the resolver did not take it: its metadata may ask for another Python version.'],
  ])('%s of %j', (wanted, files, sentence) => {
    expect(explainMissingWheel(wanted, files, around)).toBe(sentence);
  });
});

describe('what a tool’s words mean', () => {
  const end = { tool: 'uv 0.13.9', exitCode: 1, signal: null, path: '/env', index: 'https://wheels.example/whl/cu130', idleSeconds: 30 };
  it.each([
    ['error: failed to write\n  cause: No space left on device (os error 28)', 'file.disk_full'],
    ['ERROR: Could not install packages due to an OSError: [Errno 122] Disk quota exceeded', 'file.disk_full'],
    ['ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.', 'upgrade.hash_mismatch'],
    ['error: Failed to download `torch==2`\n  cause: Failed to extract archive\n  cause: Bad CRC (got 1, expected 2)', 'upgrade.hash_mismatch'],
    ['  cause: Failed to download distribution due to network timeout. Try increasing UV_HTTP_TIMEOUT (current value: 2s).', 'upgrade.stalled'],
    ['pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPConnectionPool(host=\'127.0.0.1\'): Read timed out.', 'upgrade.stalled'],
    ['error: No solution found when resolving dependencies\n  cause: Because all versions of xformers depend on torch==2.4.1 and you require torch==2.14.1, we can conclude that your requirements are unsatisfiable.', 'upgrade.conflict'],
    ['ERROR: Cannot install torch==2.14.1 and xformers==0.0.28 because these package versions have conflicting dependencies.\n\nThe conflict is caused by:\n    The user requested torch==2.14.1\n    xformers 0.0.28 depends on torch==2.4.1\n', 'upgrade.conflict'],
    ['error: Failed to fetch: http://x/\n  cause: client error (Connect)\n  cause: invalid peer certificate: UnknownIssuer', 'upgrade.index_unreachable'],
    ['PackagesNotFoundError: The following packages are not available from current channels:\n\n  - pytorch-gpu=2.99', 'upgrade.no_wheel'],
    ['LibMambaUnsatisfiableError: Encountered problems while solving:\n  - package pytorch-2.13 requires python >=3.10', 'upgrade.conflict'],
    ['Segmentation fault', 'upgrade.tool_failed'],
  ])('%s', (output, code) => {
    expect(decideToolProblem({ ...end, output })).toMatchObject({ kind: 'problem', code });
  });
  it.each([
    ['ERROR: Could not find a version that satisfies the requirement torch==2 (from versions: none)\nERROR: No matching distribution found for torch==2', 'torch==2'],
    ['error: No solution found\n  cause: Because there is no version of torch==2.99.0+cu130 and you require torch==2.99.0+cu130, we can conclude that your requirements are unsatisfiable.', 'torch==2.99.0+cu130'],
    ['error: No solution found\n  cause: Because nosuch was not found in the package registry and you require nosuch, we can conclude', 'nosuch'],
  ])('asks the index after: %s', (output, requirement) => {
    expect(decideToolProblem({ ...end, output })).toMatchObject({ kind: 'missing', requirement });
  });
  it('keeps the words that say what does not fit', () => {
    const trouble = decideToolProblem({ ...end, output: 'ERROR: Cannot install a and b because these package versions have conflicting dependencies.\n\nThe conflict is caused by:\n    The user requested torch==2.14.1\n    xformers 0.0.28 depends on torch==2.4.1\n\nTo fix this you could try to:\n1. loosen the range' });
    expect(trouble).toMatchObject({ facts: { detail: expect.stringContaining('xformers 0.0.28 depends on torch==2.4.1') as string } });
  });
});

describe('secrets', () => {
  it.each([
    ['see https://ann:pw@host/simple now', 'see https://***@host/simple now'],
    ['https://TOKEN@host/x?token=abc&b=1', 'https://***@host/x?token=***&b=1'],
    ['https://host/x.whl#sha256=00', 'https://host/x.whl#sha256=00'],
  ])('%s', (text, clean) => {
    expect(redactUrl(text)).toBe(clean);
  });
  const settings = { ...defaultSettings.environments, torchIndexUrl: 'https://mirror.example/whl/' };
  const env = { PIP_INDEX_URL: 'https://ann:p%40ss-word@host/simple', UV_INDEX_CORP_PASSWORD: 'hunter2222', PIP_TARGET: '/elsewhere', PIP_USER: '1', UV_PYTHON: '3.9', https_proxy: 'http://bob:proxypw@proxy:3128', HOME: '/home/ann', AWS_SECRET_ACCESS_KEY: 'no' };
  it('only what reaches an index is let through, and every secret in it is known', () => {
    const access = readIndexAccess(env, settings);
    expect(Object.keys(access.env).sort()).toEqual(['PIP_INDEX_URL', 'UV_INDEX_CORP_PASSWORD', 'https_proxy']);
    expect(createRedactor(access)('p@ss-word p%40ss-word hunter2222 proxypw')).toBe('*** *** *** ***');
    expect(JSON.stringify(readIndexAccess(env, settings, { secretless: true }))).not.toMatch(/ss-word|hunter|proxypw/);
  });
  it('a mirror stands in the place of PyTorch’s index', () => {
    const access = readIndexAccess({}, settings);
    expect(torchIndexOf(newTorch, access)).toBe('https://mirror.example/whl/cu130');
    expect(torchIndexOf({ label: 'cu130', indexUrl: 'https://other.example/cu130' }, access)).toBe('https://other.example/cu130');
    expect(indexArguments('pip', { torch: 'T', packages: false }, access)).toEqual(['--index-url', 'T']);
    expect(indexArguments('pip', { torch: 'T', packages: true }, { ...access, packageIndexUrl: 'P' })).toEqual(['--index-url', 'P', '--extra-index-url', 'T']);
    expect(indexArguments('uv', { torch: 'T', packages: true }, access)).toEqual(['--index', 'T', '--index-strategy', 'unsafe-best-match']);
    expect(indexArguments('uv', { torch: 'T', packages: true }, { ...access, wheelFolder: '/w' })).toEqual(['--no-index', '--find-links', '/w']);
  });
});

describe('outputs', () => {
  it('of uv: plan, lock and who needs what', () => {
    expect(parseUvPlan('Would install 2\n - torch==2.4.1\n + torch==2.14.1+cu130\n ~ Typing_Extensions==4.9 (from file:///x)\nnoise + a==b')).toEqual([{ name: 'torch', version: '2.14.1+cu130' }, { name: 'typing-extensions', version: '4.9' }]);
    const lock = '[[packages]]\nname = "torch"\nversion = "2.14.1+cu130"\nwheels = [{ url = "http://h/torch.whl", size = 20358, hashes = { sha256 = "' + 'a'.repeat(64) + '" } }]\n\n[[packages]]\nname = "x"\nversion = "1"\nwheels = [{ url = "http://h/x.whl", hashes = {} }]\n';
    expect(parsePylock(lock)).toEqual([{ name: 'torch', version: '2.14.1+cu130', url: 'http://h/torch.whl', bytes: 20358, sha256: 'a'.repeat(64) }, { name: 'x', version: '1', url: 'http://h/x.whl', bytes: null, sha256: null }]);
    expect([...parseUvAnnotations('numpy==2\n    # via torchvision\ntorch==2\n    # via\n    #   -r f.in\n    #   torchvision\n')]).toEqual([['numpy', ['torchvision']], ['torch', ['torchvision']]]);
  });
  it('of a package’s METADATA: hostile names are none', () => {
    expect(parseMetadata('Name: --target=/etc\nVersion: 1; rm\nRequires-Dist: a\n\nName: b')).toEqual({ name: null, version: null, requires: ['a'] });
  });
  it('as a shell takes them', () => {
    expect(['torch==2.14.1+cu130', 'a b', "it's", 'numpy<2', ''].map(quoteArgument)).toEqual(['torch==2.14.1+cu130', "'a b'", "'it'\\''s'", "'numpy<2'", "''"]);
  });
});
