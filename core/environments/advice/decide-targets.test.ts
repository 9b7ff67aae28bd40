import { describe, expect, it } from 'vitest';
import { listWheels } from '../tables/list-wheels.ts';
import { decideBuilds, decideNearest, decideTargets, indexTarget, packageIndexTarget, type TargetInput } from './decide-targets.ts';
import { lineOf, listBuilds } from './list-builds.ts';
import { driver, gpu, shippedTables } from './testing.ts';

const tables = await shippedTables();
type Row = readonly [title: string, ccs: readonly string[], version: string | null, more: Partial<TargetInput> & { readonly wsl?: boolean }, best: string | null];
const ask = (ccs: readonly string[], version: string | null, more: Partial<TargetInput> & { readonly wsl?: boolean } = {}): TargetInput => {
  const { wsl = false, platform = 'linux_x86_64', ...rest } = more;
  return { targets: ccs.map((c) => gpu(c)), driver: driver(version, { platform, wsl }), python: '3.12.1', platform, tables, ...rest };
};

const rows: readonly Row[] = [
  ['Linux, 580, Blackwell: cu130', ['12.0'], '580.95.05', {}, '2.14.1+cu130'],
  ['Linux, a driver that knows CUDA 13.2: the newest', ['12.0'], '610.43.02', {}, '2.15.0+cu132'],
  ['Linux, 575, Blackwell: the last cu129', ['12.0'], '575.64', {}, '2.13.0+cu129'],
  ['Linux, 570, Blackwell: cu129 still starts', ['12.0'], '570.86.10', {}, '2.13.0+cu129'],
  ['Linux, below 570, Blackwell: the driver first', ['12.0'], '565.57.01', {}, null],
  ['Windows, 580, Blackwell: cu130', ['12.0'], '581.15', { platform: 'windows_x86_64' }, '2.15.0+cu130'],
  ['Windows, 572, Blackwell: cu128, for cu129 is not there', ['12.0'], '572.16', { platform: 'windows_x86_64' }, '2.11.0+cu128'],
  ['WSL, 572 of Windows: as Linux', ['12.0'], '572.16', { wsl: true }, '2.13.0+cu129'],
  ['aarch64, GB10', ['12.1'], '580.95.05', { platform: 'linux_aarch64' }, '2.14.1+cu130'],
  ['aarch64, Thor', ['11.0'], '580.95.05', { platform: 'linux_aarch64' }, '2.14.1+cu130'],
  ['Linux, 580, Ada', ['8.9'], '580.95.05', {}, '2.14.1+cu130'],
  ['Linux, 580, B300 through sm_100', ['10.3'], '580.95.05', {}, '2.14.1+cu130'],
  ['Linux, 550, Ampere: the newest cu126', ['8.6'], '550.54.14', {}, '2.14.1+cu126'],
  ['Linux, 525.60.13, Hopper: the newest cu126', ['9.0'], '525.60.13', {}, '2.14.1+cu126'],
  ['Windows, 528.33, Ada: the newest cu126', ['8.9'], '528.33', { platform: 'windows_x86_64' }, '2.14.1+cu126'],
  ['Linux, just below CUDA 12: cu118', ['8.6'], '525.60.11', {}, '2.7.1+cu118'],
  ['Linux, 570, B200', ['10.0'], '570.124.06', {}, '2.13.0+cu129'],
  ['Linux, 580, Pascal: the last cu126', ['6.1'], '580.95.05', {}, '2.14.1+cu126'],
  ['Linux, 550, Maxwell: the last cu126', ['5.2'], '550.54.14', {}, '2.14.1+cu126'],
  ['Linux, 535, Volta: the last cu126', ['7.0'], '535.54.03', {}, '2.14.1+cu126'],
  ['Linux, 590, Pascal: not driven any more', ['6.1'], '590.44.01', {}, null],
  ['Windows, 582 is still of R580, Pascal', ['6.1'], '582.28', { platform: 'windows_x86_64' }, '2.14.1+cu126'],
  ['Windows, 591, Pascal: not driven any more', ['6.1'], '591.44', { platform: 'windows_x86_64' }, null],
  ['Linux, R470, K80', ['3.7'], '470.256.02', {}, '2.7.1+cu118'],
  ['aarch64, 580, Hopper', ['9.0'], '580.95.05', { platform: 'linux_aarch64' }, '2.14.1+cu130'],
  ['aarch64, 550, Hopper: cu126', ['9.0'], '550.54.14', { platform: 'linux_aarch64' }, '2.14.1+cu126'],
  ['aarch64, 570, GB200: cu128', ['10.0'], '570.124.06', { platform: 'linux_aarch64' }, '2.11.0+cu128'],
  ['aarch64, T4G: in no list', ['7.5'], '580.95.05', { platform: 'linux_aarch64' }, null],
  ['aarch64, Orin: 80 does not serve it', ['8.7'], '580.95.05', { platform: 'linux_aarch64' }, null],
  ['Linux, Pascal and Blackwell: no driver for both', ['6.1', '12.0'], '580.95.05', {}, null],
  ['Windows, Pascal and Blackwell: no wheel for both', ['6.1', '12.0'], '581.15', { platform: 'windows_x86_64' }, null],
  ['Linux, Pascal and Ada', ['6.1', '8.9'], '580.95.05', {}, '2.14.1+cu126'],
  ['Linux, Turing and Blackwell', ['7.5', '12.0'], '580.95.05', {}, '2.14.1+cu130'],
  ['Linux, no driver known', ['12.0'], null, {}, '2.15.0+cu132'],
  ['a driver version that is none', ['12.0'], 'garbage', {}, '2.15.0+cu132'],
  ['Python 3.10 has no 2.15', ['12.0'], '610.43.02', { python: '3.10.4' }, '2.14.1+cu130'],
  ['Python 3.15 has nothing but 2.15', ['12.0'], '610.43.02', { python: '3.15.0' }, '2.15.0+cu132'],
  ['Python 3.9, Blackwell', ['12.0'], '580.95.05', { python: '3.9.18' }, '2.8.0+cu128'],
  ['Python 3.8, Blackwell: none', ['12.0'], '580.95.05', { python: '3.8.10' }, null],
  ['Python 3.8, Ada', ['8.9'], '580.95.05', { python: '3.8.10' }, '2.4.1+cu121'],
  ['free-threaded 3.13: dropped in 2.12', ['12.0'], '580.95.05', { python: '3.13.1', freeThreaded: true }, '2.11.0+cu130'],
  ['free-threaded 3.12: there is none', ['12.0'], '580.95.05', { python: '3.12.1', freeThreaded: true }, null],
  ['torchaudio is wanted: cu132 has none', ['12.0'], '610.43.02', { wantsTorchaudio: true }, '2.14.1+cu130'],
  ['no GPU: nothing to choose for', [], '580.95.05', {}, null],
];

describe('the target for GPUs, driver, system and Python', () => {
  it.each(rows)('%s', (_, ccs, version, more, best) => { expect(decideTargets(ask(ccs, version, more))[0]?.version ?? null).toBe(best); });

  it('a GPU of unknown capability is served by nothing', () => { expect(decideTargets({ ...ask(['12.0'], '580.95'), targets: [gpu(null), gpu('12.0')] })).toEqual([]); });

  it('where the driver itself lists both, the table does not forbid them', () => {
    expect(decideBuilds({ ...ask([], '580.95'), targets: [gpu('7.0', 'V', 'driver'), gpu('12.0', 'B', 'driver')] }).map((b) => `${b.version}+${b.label}`)[0]).toBe('2.10.0+cu128');
  });

  it('the 570 pair of the reference is on the list, second choice included', () => {
    const all = decideTargets(ask(['12.0'], '570.86.10'));
    expect(all.find((t) => t.version === '2.13.0+cu129')).toMatchObject({ torchvision: '0.28.0+cu129', minDriver: '570', indexUrl: 'https://download.pytorch.org/whl/cu129' });
    expect(all.find((t) => t.version === '2.11.0+cu128')).toMatchObject({ torchvision: '0.26.0+cu128', torchaudio: '2.11.0+cu128' });
    expect(all.some((t) => t.version.endsWith('+cu126'))).toBe(false);
  });
});

describe('versions that belong together', () => {
  it('torchvision is named only where the pair is known, torchaudio only where its index has it', () => {
    const of = (version: string, label: string) => { const b = listBuilds('linux_x86_64', tables).find((x) => x.version === version && x.label === label); return b === undefined ? null : indexTarget(b, ask(['8.9'], '610.43.02')); };
    expect(of('2.14.0', 'cu130')).toMatchObject({ torchvision: '0.29.0+cu130', torchaudio: '2.11.0+cu130' });
    expect(of('2.14.1', 'cu130')).toMatchObject({ torchvision: null, torchaudio: '2.11.0+cu130' });
    expect(of('2.15.0', 'cu132')).toMatchObject({ torchvision: null, torchaudio: null, confidence: 'M' });
    expect(of('2.4.1', 'cu121')).toMatchObject({ torchvision: '0.19.1+cu121', torchaudio: '2.4.1+cu121' });
    expect(of('2.0.0', 'cu118')).toMatchObject({ torchvision: '0.15.1+cu118', torchaudio: '2.0.1+cu118' });
    expect(of('2.12.0', 'cu129')).toBeNull();
    expect(of('2.12.1', 'cu129')).not.toBeNull();
  });

  it('the plain index: no label, only builds that it gives, never on Windows', () => {
    const plain = (platform: TargetInput['platform'], cc: string, version: string) => decideBuilds(ask([cc], version, { platform })).flatMap((b) => packageIndexTarget(b, ask([cc], version, { platform })) ?? []);
    expect(plain('linux_x86_64', '12.0', '610.43.02')[0]).toMatchObject({ version: '2.15.0', label: 'cu132', indexUrl: 'pypi' });
    expect(plain('linux_x86_64', '12.0', '580.95.05')[0]).toMatchObject({ version: '2.14.1', label: 'cu130' });
    expect(plain('linux_x86_64', '12.0', '570.86.10')[0]).toMatchObject({ version: '2.10.0', label: 'cu128', torchvision: '0.25.0' });
    expect(plain('linux_x86_64', '6.1', '580.95.05')[0]).toMatchObject({ version: '2.7.1', label: 'cu126' });
    expect(plain('linux_aarch64', '12.1', '580.95.05').map((t) => t.version).includes('2.10.0')).toBe(false);
    expect(plain('windows_x86_64', '12.0', '581.15')).toEqual([]);
  });

  it('each line of the wheel table has releases, and pairs agree with the pairing table', () => {
    const lines = new Set(tables.releases.releases.map((r) => lineOf(r.version)));
    for (const platform of ['linux_x86_64', 'linux_aarch64', 'windows_x86_64'] as const) for (const w of listWheels(tables.wheels, platform)) expect(lines, w.release).toContain(w.release);
    for (const r of tables.releases.releases) {
      const pair = tables.wheels.pairing[r.version] ?? tables.wheels.pairing[lineOf(r.version)];
      expect(pair, r.version).toBeDefined();
      if (r.torchvision !== null) expect(lineOf(r.torchvision), r.version).toBe(lineOf((pair?.torchvision ?? '').replace('.x', '')));
      expect(lineOf(r.torchaudio ?? ''), r.version).toBe(lineOf(pair?.torchaudio ?? ''));
    }
  });
});

describe('the nearest that works', () => {
  const near = (present: string | null, cc: string): string => { const b = decideNearest(decideBuilds(ask([cc], '580.95.05', { python: '3.11.2' })), present); return b === null ? 'none' : `${b.version}+${b.label}`; };
  it.each([
    ['2.4.1+cu121', '12.0', '2.7.1+cu128'],
    ['2.7.0+cu126', '12.0', '2.7.0+cu128'],
    ['2.9.1+cpu', '12.0', '2.9.1+cu128'],
    ['2.15.0+cu132', '6.1', '2.14.1+cu126'],
    ['2.11.0+cu130', '7.0', '2.11.0+cu126'],
    ['1.13.1+cu117', '9.0', '2.0.1+cu118'],
    ['2.8.0a0+git1234', '12.0', '2.8.0+cu128'],
    ['2.99.0', '12.0', '2.15.0+cu132'],
  ])('%s on %s: %s', (present, cc, expected) => { expect(near(present, cc)).toBe(expected); });
  it('without torch: the best', () => { expect(near(null, '12.0')).toBe('2.14.1+cu130'); });
});
