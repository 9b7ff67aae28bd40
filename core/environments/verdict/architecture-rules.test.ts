import { describe, expect, it } from 'vitest';
import { compareVersions, compilesFor, formatCapability, isTegraCapability, ownArchitecture, parseArchitecture, parseCapability, publicVersion, runsNatively, type Architecture, type Capability } from './architecture-rules.ts';

const arch = (text: string): Architecture => { const a = parseArchitecture(text); if (a === null) throw new Error(text); return a; };
const gpu = (text: string): Capability => { const c = parseCapability(text); if (c === null) throw new Error(text); return c; };
const devices = ['3.5', '3.7', '5.0', '5.2', '5.3', '6.0', '6.1', '6.2', '7.0', '7.2', '7.5', '8.0', '8.6', '8.7', '8.8', '8.9', '9.0', '10.0', '10.1', '10.3', '11.0', '12.0', '12.1'];

/** Written out by hand from the CUDA programming guide: which GPUs execute a cubin without suffix. */
const cubins: Readonly<Record<string, readonly string[]>> = {
  sm_35: ['3.5', '3.7'], sm_37: ['3.7'], sm_50: ['5.0', '5.2'], sm_52: ['5.2'], sm_53: ['5.3'], sm_60: ['6.0', '6.1'], sm_61: ['6.1'], sm_62: ['6.2'],
  sm_70: ['7.0', '7.5'], sm_72: ['7.2'], sm_75: ['7.5'], sm_80: ['8.0', '8.6', '8.9'], sm_86: ['8.6', '8.9'], sm_87: ['8.7'], sm_88: ['8.8'], sm_89: ['8.9'], sm_90: ['9.0'],
  sm_100: ['10.0', '10.3'], sm_101: ['10.1', '11.0'], sm_103: ['10.3'], sm_110: ['10.1', '11.0'], sm_120: ['12.0', '12.1'], sm_121: ['12.1'],
};
const accelerated: Readonly<Record<string, readonly string[]>> = { sm_90a: ['9.0'], sm_100a: ['10.0'], sm_101a: ['10.1', '11.0'], sm_103a: ['10.3'], sm_110a: ['10.1', '11.0'], sm_120a: ['12.0'], sm_121a: ['12.1'] };
const families: Readonly<Record<string, readonly string[]>> = { sm_100f: ['10.0', '10.3'], sm_101f: ['10.1', '11.0'], sm_103f: ['10.3'], sm_110f: ['10.1', '11.0'], sm_120f: ['12.0', '12.1'], sm_121f: ['12.1'] };

describe('which code runs on which GPU', () => {
  const all = Object.entries({ ...cubins, ...accelerated, ...families });
  it.each(all)('%s as compiled code', (code, runs) => {
    expect(devices.filter((d) => runsNatively(arch(code), gpu(d)))).toEqual(runs);
    expect(devices.some((d) => compilesFor(arch(code), gpu(d)))).toBe(false);
  });
  it.each(Object.entries({ ...accelerated, ...families }))('PTX of %s goes no further than its compiled code', (code, runs) => {
    const ptx = code.replace('sm_', 'compute_');
    expect(devices.filter((d) => compilesFor(arch(ptx), gpu(d)))).toEqual(runs);
    expect(devices.some((d) => runsNatively(arch(ptx), gpu(d)))).toBe(false);
  });
  it.each(Object.keys(cubins))('PTX of %s compiles for every GPU of its number and above, Thor under either name', (code) => {
    const number = Number(code.slice(3)), order = (d: string): number => (d === '10.1' ? 110 : Number(d.replace('.', '')));
    expect(devices.filter((d) => compilesFor(arch(code.replace('sm_', 'compute_')), gpu(d)))).toEqual(devices.filter((d) => order(d) >= number));
  });
  it('agrees with the check of torch 2.11 where that is right', () => {
    const measured: readonly [string, string, boolean][] = [['sm_120', '12.1', true], ['sm_121', '12.0', false], ['sm_100', '12.0', false], ['sm_100', '10.3', true], ['sm_86', '8.9', true], ['sm_80', '8.7', false], ['sm_101', '11.0', true], ['sm_80', '9.0', false]];
    for (const [code, device, runs] of measured) expect(runsNatively(arch(code), gpu(device)), `${code} on ${device}`).toBe(runs);
    // Where torch is wrong: it strips suffixes, compares majors only, and takes PTX for compiled code.
    expect(runsNatively(arch('sm_120a'), gpu('12.1'))).toBe(false);
    expect(runsNatively(arch('sm_86'), gpu('8.0'))).toBe(false);
    expect(compilesFor(arch('compute_90'), gpu('12.0'))).toBe(true);
  });
  it('knows one chip by two numbers', () => {
    for (const code of ['sm_101', 'sm_110', 'sm_101a', 'sm_110a', 'sm_101f', 'sm_110f']) for (const d of ['10.1', '11.0']) expect(runsNatively(arch(code), gpu(d))).toBe(true);
    for (const d of devices.filter(isTegraCapability)) expect(['5.3', '6.2', '7.2', '8.7', '8.8', '10.1', '11.0']).toContain(d);
  });
});

describe('reading', () => {
  it.each(['', 'sm_', 'sm_9', 'sm_1200', 'sm_120b', 'sm-120', 'gfx90a', 'sm_90 sm_100', 'compute_', 'SM_90'])('%j is no architecture', (text) => expect(parseArchitecture(text)).toBeNull());
  it.each(['', '12', '12.', '.0', '12.00', '123.0', 'x.y', '12.0a', '-1.0'])('%j is no capability', (text) => expect(parseCapability(text)).toBeNull());
  it('writes them back', () => {
    expect(formatCapability(gpu('12.0'))).toBe('12.0');
    expect(ownArchitecture(gpu('8.6'))).toBe('sm_86');
    expect(arch(' compute_90a ')).toEqual({ kind: 'ptx', number: 90, suffix: 'a' });
  });
});

describe('versions', () => {
  const ordered = ['450.80.02', '525.60.13', '528.33', '560.28.03', '570', '570.26', '570.124.06', '580.65.06', '580.95.05', '610.43.02'];
  it('are ordered by parts, not as text or decimals', () => {
    expect([...ordered].reverse().sort(compareVersions)).toEqual(ordered);
    expect(compareVersions('2.10', '2.9')).toBe(1);
    expect(compareVersions('2.7', '2.7.0')).toBe(0);
  });
  it('count neither labels nor pre-releases', () => {
    expect(compareVersions('2.8.0+cu128', '2.8.0+cu129')).toBe(0);
    expect(compareVersions('2.7.0a0+79aa17489c', '2.7.0')).toBe(0);
    expect(compareVersions('2.9.1rc1', '2.9.0')).toBe(1);
    expect(publicVersion('2.8.0+cu128')).toBe('2.8.0');
  });
  it('take garbage for zero and never answer NaN', () => {
    for (const text of ['', 'x', '..', '+', 'NaN', '1e99', '99999999999999999999']) for (const other of ['580', text]) expect(Number.isFinite(compareVersions(text, other)), text).toBe(true);
  });
});
