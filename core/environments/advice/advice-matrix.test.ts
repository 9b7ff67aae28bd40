import { describe, expect, it } from 'vitest';
import type { Route } from '../../../contract/upgrades.ts';
import type { GpuTarget } from '../../../contract/verdict.ts';
import { ProblemError } from '../../../contract/problem.ts';
import { compareVersions, parseArchitecture, parseCapability, runsNatively } from '../verdict/architecture-rules.ts';
import { decideAdvice } from './decide-advice.ts';
import { decideTargets } from './decide-targets.ts';
import { decideWishedTarget } from './decide-wished-target.ts';
import type { Platform } from './quote-command.ts';
import { adviceInput, cell, driver, environment, gpu, shippedTables, xray } from './testing.ts';

/**
 * The whole matrix: systems, single GPUs and all pairs, drivers, Pythons. What is checked is written down here a second
 * time, from the tables' raw columns, so that a fault of the rules does not hide itself.
 */
const tables = await shippedTables();
const platforms: readonly Platform[] = ['linux_x86_64', 'linux_aarch64', 'windows_x86_64'];
const capabilities = Object.keys(tables.gpus.capabilities);
const sets: readonly GpuTarget[][] = [...capabilities.map((c) => [gpu(c)]), ...capabilities.flatMap((a, i) => capabilities.slice(i + 1).map((b) => [gpu(a), gpu(b)]))];
const drivers = [null, '440.33', '470.256.02', '525.60.13', '528.33', '535.54.03', '550.54.14', '570.86.10', '575.64', '580.95.05', '590.44.01', '610.43.02'] as const;
const pythons = [null, '3.7.17', '3.8.10', '3.9.18', '3.10.4', '3.11.9', '3.12.3', '3.13.1', '3.14.0', '3.15.0'] as const;

const wheels = tables.wheels;
const rawRow = (platform: Platform, line: string, label: string): { s?: string | undefined; p?: string[] | undefined; d?: boolean | undefined } | undefined => {
  if (platform !== 'windows_x86_64') return wheels[platform][line]?.[label];
  const row = wheels.windows_x86_64[label];
  return row !== undefined && compareVersions(line, row.from) >= 0 && (row.to === null || compareVersions(line, row.to) <= 0) ? row : undefined;
};
const ceilingHolds = (version: string, label: string): boolean => {
  const [most = ''] = (wheels.index_ceiling[label] ?? '').split(' ');
  if (most === '') return true;
  const parts = most.split('.'), have = version.split('.');
  for (const [i, part] of parts.entries()) { if (part === 'x') return true; const d = Number(have[i] ?? 0) - Number(part); if (d !== 0) return d < 0; }
  return true;
};

const answers = new Map<string, boolean>();
function listServes(list: string, capability: string): boolean {
  const key = `${list} ${capability}`, before = answers.get(key);
  if (before !== undefined) return before;
  const parsed = parseCapability(capability);
  const answer = parsed !== null && (wheels.lists[list] ?? []).flatMap((n) => parseArchitecture(`sm_${n}`) ?? []).some((c) => runsNatively(c, parsed));
  answers.set(key, answer);
  return answer;
}

function faultOf(target: { readonly version: string; readonly label: string; readonly indexUrl: string }, platform: Platform, gpus: readonly GpuTarget[], version: string | null, python: string | null, experimental = false): string | null {
  const bare = target.version.split('+')[0] ?? '', line = bare.split('.').slice(0, 2).join('.');
  const row = rawRow(platform, line, target.label);
  if (row?.s === undefined) return 'label is not in the table for release and platform';
  if (!ceilingHolds(bare, target.label)) return 'beyond the ceiling of its index';
  if (target.indexUrl === 'pypi' ? target.version.includes('+') || row.d !== true || platform === 'windows_x86_64' : !target.version.endsWith(`+${target.label}`) || !target.indexUrl.endsWith(`/${target.label}`)) return 'index and label do not go together';
  for (const g of gpus) {
    if (!listServes(row.s, g.computeCapability ?? '')) return `no kernels for ${g.name}`;
    if (version !== null) {
      const facts = tables.gpus.capabilities[g.computeCapability ?? ''];
      if (facts?.firstDriver && compareVersions(version, facts.firstDriver.atLeast) < 0) return 'driver too old for the GPU';
      if (facts?.lastDriverBranch?.branch === '580' && Number(version.split('.')[0]) >= 590) return 'driver does not drive the GPU';
    }
  }
  const major = target.label.slice(2, 4), least = (platform === 'windows_x86_64' ? wheels.min_driver_windows : wheels.min_driver_linux)[`cu${major}x`] ?? '0';
  if (version !== null && compareVersions(version, least) < 0) return 'driver too old for the build';
  const release = tables.releases.releases.find((r) => r.version === bare);
  if (release === undefined) return 'no such release';
  if (experimental && python !== null && release.experimental === python.split('.').slice(0, 2).join('.')) return null;
  if (python !== null && (compareVersions(python.split('.').slice(0, 2).join('.'), release.python[0]) < 0 || compareVersions(python.split('.').slice(0, 2).join('.'), release.python[1]) > 0)) return 'no wheel for this Python';
  return null;
}

describe('the whole matrix', () => {
  it.each(platforms)('every target on %s is one that the tables allow, for every driver and Python', { timeout: 300_000 }, (platform) => {
    let asked = 0, given = 0;
    for (const targets of sets) for (const version of drivers) for (const python of pythons) {
      asked++;
      for (const target of decideTargets({ targets, driver: driver(version, { platform }), python, platform, tables })) {
        given++;
        const fault = faultOf(target, platform, targets, version, python);
        if (fault !== null) expect.fail(`${target.version} on ${platform} for ${targets.map((g) => g.computeCapability).join('+')}, driver ${version ?? 'none'}, Python ${python ?? 'any'}: ${fault}`);
      }
    }
    expect(asked).toBe(sets.length * drivers.length * pythons.length);
    expect(given).toBeGreaterThan(1000);
  });

  it.each(platforms)('advice on %s: at most one recommended, each label there, nothing popular that is advised is called wrong', { timeout: 300_000 }, async (platform) => {
    const base = await adviceInput();
    const windows = platform === 'windows_x86_64';
    const prefix = windows ? 'C:\\envs\\chat' : '/home/me/chat/.venv';
    for (const targets of sets) for (const version of [null, '470.256.02', '535.54.03', '570.86.10', '580.95.05', '610.43.02']) for (const python of ['3.8.10', '3.12.3'] as const) {
      const found = environment({ prefix, python: { version: python, path: windows ? `${prefix}\\Scripts\\python.exe` : `${prefix}/bin/python` } });
      const given = driver(version, { platform });
      const advice = decideAdvice({ ...base, found, targets, driver: given, cells: targets.map(() => cell('incompatible')), xray: xray('2.4.1+cu121') });
      const say = (r: Route, what: string): never => expect.fail(`${r.id} on ${platform} for ${targets.map((g) => g.computeCapability).join('+')}, driver ${version ?? 'none'}, Python ${python}: ${what}`);
      const recommended = advice.routes.filter((r) => r.recommended);
      if (recommended.length > 1) say(recommended[1] as Route, 'two are recommended');
      if (advice.routes.some((r) => r.automatic) && recommended.length !== 1) say(advice.routes[0] as Route, 'an automatic route is there and none is recommended');
      if (new Set(advice.routes.map((r) => r.id)).size !== advice.routes.length) say(advice.routes[0] as Route, 'an id is there twice');
      if (advice.routes.length === 0 && advice.conflicts.length === 0) expect.fail(`nothing at all for ${targets.map((g) => g.computeCapability).join('+')} on ${platform} with ${version ?? 'none'}`);
      for (const r of advice.routes) {
        if (r.recommended && r.needs.some((n) => n.met === false)) say(r, 'recommended although a need is not met');
        if (r.id.length > 80) say(r, 'id longer than the API takes');
        const text = r.commands.join('\n');
        if (text.includes('--extra-index-url') || /\.\*\+cu/.test(text)) say(r, 'a command that is wrong');
        if (text.includes('undefined') || text.includes('NaN') || text.includes('null')) say(r, 'a hole in a command');
        if (r.target !== null && r.target.indexUrl !== 'conda-forge') {
          const fault = faultOf(r.target, platform, targets, version, r.kind === 'new_environment' ? null : python);
          if (fault !== null) say(r, fault);
          if (r.target.indexUrl !== 'pypi' && !text.includes(`torch==${r.target.version}`)) say(r, 'the label is not in the command');
        }
        const last = targets.some((g) => tables.gpus.capabilities[g.computeCapability ?? '']?.lastDriverBranch?.branch === '580');
        if (r.kind === 'driver' && last && !r.id.endsWith(':580')) say(r, 'a driver past the last branch');
        if (r.kind === 'driver' && !windows && text !== '' && !last && targets.some((g) => Number(g.computeCapability?.split('.')[0]) >= 10) && !text.includes('-open')) say(r, 'closed modules for Blackwell');
      }
      for (const w of advice.wrong) if (/\{\w+\}/.test(w.command + w.why + (w.instead ?? ''))) expect.fail(`unfilled: ${JSON.stringify(w)}`);
    }
  });

  it('a wish is met by what serves all GPUs, or refused with a Problem: never anything between', { timeout: 300_000 }, () => {
    const words = ['newest', 'nearest', 'pypi', ...tables.releases.releases.flatMap((r) => [r.version, `${r.version}+cu126`]), 'cu118', 'cu126', 'cu128', 'cu129', 'cu130', 'cu132', '2.14', '2.7'];
    const codes = new Set<string>();
    for (const platform of platforms) for (const targets of sets.filter((_, i) => i % 11 === 0)) for (const version of ['470.256.02', '570.86.10', '580.95.05', null] as const) for (const word of words) {
      try {
        const target = decideWishedTarget(word, { targets, driver: driver(version, { platform }), python: '3.12.3', platform, tables, present: '2.4.1+cu121' });
        const fault = faultOf(target, platform, targets, version, '3.12.3', true);
        if (fault !== null) expect.fail(`${word} gave ${target.version} on ${platform} for ${targets.map((g) => g.computeCapability).join('+')}: ${fault}`);
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        codes.add(error.problem.code);
        if (`${error.problem.cause}${error.problem.remedy}`.includes('—')) expect.fail(`${word}: a fact is missing: ${error.problem.cause} ${error.problem.remedy}`);
      }
    }
    expect([...codes].sort()).toEqual(['upgrade.kills_gpu', 'upgrade.no_route', 'upgrade.no_wheel']);
  });
});
