/**
 * Every official build × every GPU × several drivers, against rules written down here once more from NVIDIA's and
 * PyTorch's documents: nothing of the code under test is used to say what should come out.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { isFinding, verdictCell, type DriverFacts, type VerdictCell, type VerdictWord } from '../../../contract/verdict.ts';
import { readTables, type Tables } from '../tables/read-tables.ts';
import { decideVerdict } from './decide-verdict.ts';
import { judgeEnvironment } from './judge-environment.ts';
import { makeDriver, makeFound, makeTarget, makeTorch, makeXray, resources } from './testing/make-facts.ts';

type Platform = DriverFacts['platform'];
interface RawBuild { readonly s?: string; readonly p?: readonly string[]; readonly from?: string; readonly to?: string | null }
interface Raw { readonly lists: Record<string, string[]>; readonly linux_x86_64: Record<string, Record<string, RawBuild>>; readonly linux_aarch64: Record<string, Record<string, RawBuild>>; readonly windows_x86_64: Record<string, RawBuild> }
const raw = JSON.parse(readFileSync(join(resources, 'data', 'pytorch-wheels.json'), 'utf8')) as Raw;

interface Build { readonly platform: Platform; readonly release: string; readonly label: string; readonly sass: readonly number[]; readonly ptx: readonly number[] }
const minor = (release: string): number => Number(release.split('.')[0]) * 100 + Number(release.split('.')[1]);
const listed = new Map<Platform, Build[]>();
function builds(platform: Platform): Build[] {
  const before = listed.get(platform) ?? readBuilds(platform);
  listed.set(platform, before);
  return before;
}
function readBuilds(platform: Platform): Build[] {
  const made = (release: string, label: string, b: RawBuild): Build[] => (b.s === undefined ? [] : [{ platform, release, label, sass: (raw.lists[b.s] ?? []).map(Number), ptx: (b.p ?? []).map(Number) }]);
  if (platform !== 'windows_x86_64') return Object.entries(raw[platform]).flatMap(([release, labels]) => Object.entries(labels).flatMap(([label, b]) => made(release, label, b)));
  return Object.keys(raw.linux_x86_64).flatMap((release) => Object.entries(raw.windows_x86_64).filter(([, b]) => minor(release) >= minor(b.from ?? '0.0') && (b.to === null || minor(release) <= minor(b.to ?? '0.0'))).flatMap(([label, b]) => made(release, label, b)));
}
const platforms: readonly Platform[] = ['linux_x86_64', 'linux_aarch64', 'windows_x86_64'];
const devices = ['3.0', '3.5', '3.7', '5.0', '5.2', '5.3', '6.0', '6.1', '6.2', '7.0', '7.2', '7.5', '8.0', '8.6', '8.7', '8.9', '9.0', '10.0', '10.1', '10.3', '11.0', '12.0', '12.1', '13.0'];
const drivers: readonly (string | null)[] = [null, '418.67', '450.80.02', '470.256.02', '520.61.05', '525.60.13', '528.33', '550.54.14', '565.90', '570.26', '575.64', '579.99', '580.65.06', '580.95.05', '590.48.01', '610.43.02'];

/** The oracle. Numbers as 12.0 → 120. */
const tegra = new Set([53, 62, 72, 87, 88, 101, 110]);
const chip = (n: number): number => (n === 101 ? 110 : n);
const runs = (cubin: number, device: number): boolean => (tegra.has(cubin) || tegra.has(device) ? chip(cubin) === chip(device) : Math.floor(cubin / 10) === Math.floor(device / 10) && cubin % 10 <= device % 10);
const parts = (v: string): number[] => { const [a = 0, b = 0, c = 0] = v.split('.').map(Number); return [a, b, c]; };
const atLeast = (have: string, need: string): boolean => { const h = parts(have), n = parts(need); for (let i = 0; i < 3; i++) if ((h[i] ?? 0) !== (n[i] ?? 0)) return (h[i] ?? 0) > (n[i] ?? 0); return true; };
const oldest = (major: number, platform: Platform): string => (major === 13 ? '580' : platform === 'windows_x86_64' ? (major === 12 ? '528.33' : '452.39') : major === 12 ? '525.60.13' : '450.80.02');
/** Drivers of the toolkits 11.7 and 11.8, the only ones whose builds carry PTX for old GPUs (Windows), and 12.8. */
const driverOfToolkit: Readonly<Record<string, { linux: string; branch: number }>> = { cu117: { linux: '515.43.04', branch: 515 }, cu118: { linux: '520.61.05', branch: 520 }, cu128: { linux: '570.26', branch: 570 } };
const cudaMajor = (label: string): number => Number(label.slice(2, 4));

function driverServes(driver: string | null, major: number, device: number, platform: Platform): 'yes' | 'old' | 'dropped' {
  if (driver === null) return 'yes';
  if (!atLeast(driver, oldest(major, platform)) || (device >= 100 && !atLeast(driver, '570'))) return 'old';
  return device < 75 && !tegra.has(device) && (parts(driver)[0] ?? 0) > 580 ? 'dropped' : 'yes';
}
const someBuildServes = new Map<string, boolean>();
for (const platform of platforms) for (const d of devices) someBuildServes.set(`${platform} ${d}`, builds(platform).some((b) => b.sass.some((c) => runs(c, Number(d.replace('.', ''))))));

function expected(build: Build, capability: string, driver: string | null): VerdictWord {
  const device = Number(capability.replace('.', ''));
  const native = build.sass.some((c) => runs(c, device)), ptx = !native && build.ptx.some((p) => chip(device) >= p);
  if (!native && !ptx) return someBuildServes.get(`${build.platform} ${capability}`) === true ? 'incompatible' : 'gpu_unsupported';
  const served = driverServes(driver, cudaMajor(build.label), device, build.platform);
  if (served !== 'yes') return served === 'old' ? 'driver_too_old' : 'gpu_unsupported';
  if (native) return 'native';
  const toolkit = driverOfToolkit[build.label];
  if (toolkit === undefined) throw new Error(`the oracle knows no toolkit of ${build.label}`);
  const knows = driver === null || (build.platform === 'windows_x86_64' ? (parts(driver)[0] ?? 0) >= toolkit.branch : atLeast(driver, toolkit.linux));
  return knows ? 'jit' : 'driver_too_old';
}

const repairs = new Map<string, boolean>();
/** Some build serves it with that driver. */
function someBuildRuns(platform: Platform, capability: string, driver: string | null): boolean {
  const key = `${platform} ${capability} ${driver ?? ''}`, device = Number(capability.replace('.', ''));
  const before = repairs.get(key) ?? builds(platform).some((b) => b.sass.some((c) => runs(c, device)) && driverServes(driver, cudaMajor(b.label), device, platform) === 'yes');
  repairs.set(key, before);
  return before;
}

/** Everything that a face shows of a cell. */
const said = (cell: VerdictCell): string[] => [cell.text, ...cell.evidence.flatMap((e) => [e.what, e.value, e.place]), ...(cell.problem === null ? [] : [cell.problem.title, cell.problem.cause, cell.problem.remedy]), ...(cell.forecast === null ? [] : [cell.forecast.text, cell.forecast.lastGood, cell.forecast.dropsAt, cell.forecast.place])];
const wrong = /undefined|NaN|null|\[object|Infinity|—|!|\{|\}|\.\.|  |\$/;
function trouble(cell: VerdictCell): string | null {
  const bad = said(cell).find((t) => t.trim() === '' || wrong.test(t));
  if (bad !== undefined) return `says ${JSON.stringify(bad)}`;
  if (isFinding(cell.verdict) !== (cell.problem !== null)) return 'a finding has a Problem, and nothing else has';
  if (isFinding(cell.verdict) && !cell.evidence.some((e) => !e.supports)) return 'a finding stands on nothing';
  if (!isFinding(cell.verdict) && cell.evidence.some((e) => !e.supports)) return `green, but ${JSON.stringify(cell.evidence.find((e) => !e.supports))} speaks against it`;
  if (cell.text.endsWith('.')) return 'the text ends with a point';
  return null;
}

describe('every build, every GPU, every driver', () => {
  let tables: Tables;
  beforeAll(async () => { tables = await readTables(resources); });
  const found = makeFound();

  it.each(platforms)('%s', (platform) => {
    const wrongs: string[] = [];
    let cells = 0;
    for (const build of builds(platform)) {
      const cuda = `${build.label.slice(2, 4)}.${build.label.slice(4)}`;
      const xray = makeXray(makeTorch(`${build.release}.0+${build.label}`, [...build.sass.map((n) => `sm_${n}`), ...build.ptx.map((n) => `compute_${n}`)], { cuda }));
      for (const capability of devices) for (const version of drivers) {
        const cell = decideVerdict({ found, xray, target: makeTarget(capability, `the ${capability}`), driver: makeDriver(version, { platform }), tables });
        const want = expected(build, capability, version), at = `${build.release}+${build.label} on ${capability} with ${version ?? 'no driver named'}`;
        cells++;
        if (cell.verdict !== want) wrongs.push(`${at}: ${cell.verdict} (${cell.text}), should be ${want}`);
        const bad = trouble(cell);
        if (bad !== null) wrongs.push(`${at}: ${cell.verdict}, ${bad}`);
        const repairable = someBuildRuns(platform, capability, version);
        if (cell.repairable && !repairable) wrongs.push(`${at}: called repairable, but no build serves it with this driver`);
        if (cell.verdict === 'incompatible' && !cell.repairable && repairable) wrongs.push(`${at}: not called repairable, but a build serves it`);
      }
    }
    expect(cells).toBeGreaterThan(5000);
    expect(wrongs.slice(0, 12), `${wrongs.length} of ${cells}`).toEqual([]);
  });

  it('forecasts take a GPU away only where a later release or its default build lacks it', () => {
    const wrongs: string[] = [];
    for (const platform of platforms) for (const build of builds(platform)) for (const capability of devices) {
      const device = Number(capability.replace('.', '')), later = [...new Set(builds(platform).map((b) => b.release))].filter((r) => minor(r) > minor(build.release));
      const xray = makeXray(makeTorch(`${build.release}.0+${build.label}`, build.sass.map((n) => `sm_${n}`)));
      const { forecast, verdict } = decideVerdict({ found, xray, target: makeTarget(capability), driver: makeDriver(null, { platform }), tables });
      const newest = later.sort((a, b) => minor(a) - minor(b)).at(-1);
      const gone = newest !== undefined && !builds(platform).some((b) => b.release === newest && (b.sass.some((c) => runs(c, device)) || b.ptx.some((p) => chip(device) >= p)));
      const at = `${platform} ${build.release}+${build.label} on ${capability}`;
      if (verdict !== 'native' && verdict !== 'jit' && forecast !== null) wrongs.push(`${at}: ${verdict}, and a forecast`);
      if (verdict === 'native' && gone && forecast === null) wrongs.push(`${at}: gone in ${newest}, no forecast`);
      if (forecast !== null && !later.includes(forecast.dropsAt)) wrongs.push(`${at}: drops at ${forecast.dropsAt}, which is not later`);
      if (forecast !== null) {
        const [release = '', label = ''] = forecast.lastGood.replace(/^(\d+\.\d+)\.(x|\d+)/, '$1').split('+');
        if (!builds(platform).some((b) => b.release === release && b.label === label && b.sass.some((c) => runs(c, device)))) wrongs.push(`${at}: last good ${forecast.lastGood} does not serve it`);
      }
    }
    expect(wrongs.slice(0, 12)).toEqual([]);
  });

  it('a whole environment is the sum of its cells, and each fits the contract', () => {
    const targets = devices.map((d) => makeTarget(d));
    for (const build of builds('linux_x86_64').slice(-8)) {
      const xray = makeXray(makeTorch(`${build.release}.0+${build.label}`, build.sass.map((n) => `sm_${n}`)));
      const judged = judgeEnvironment({ found, xray, targets, driver: makeDriver('580.95.05'), tables });
      expect(judged.cells.map((c) => c.gpuKey)).toEqual(targets.map((t) => t.key));
      for (const cell of judged.cells) expect(verdictCell.parse(cell)).toEqual(cell);
      expect(judged.worst).toBe('gpu_unsupported');
    }
  });
});
