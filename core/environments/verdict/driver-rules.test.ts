import { beforeAll, describe, expect, it } from 'vitest';
import { readTables, type Tables } from '../tables/read-tables.ts';
import { compareVersions } from './architecture-rules.ts';
import { cudaForPtx, cudaOfDriver, isDriverVersion, judgeDriver, lastBranchOfGpu, minimumDriver, minimumDriverOfGpu } from './driver-rules.ts';
import { makeDriver, makeTarget, resources } from './testing/make-facts.ts';

let tables: Tables;
beforeAll(async () => { tables = await readTables(resources); });
const linux = makeDriver('580.95.05');

describe('PTX', () => {
  it.each([['7.8', '11.8', true], ['8.0', '12.0', true], ['8.5', '12.5', true], ['8.7', '12.8', true], ['8.8', '12.9', true], ['9.0', '13.0', true], ['9.1', '13.1', true], ['9.2', '13.1', false], ['10.0', '13.1', false], ['6.7', '11.0', true], ['1.0', '8.0', true]] as const)('%s needs CUDA %s', (isa, cuda, exact) => expect(cudaForPtx(isa)).toEqual({ cuda, exact }));
  it.each(['', 'x', '9', '9.x', '9.0.1', '-1.0'])('%j is no version of it', (isa) => expect(cudaForPtx(isa)).toBeNull());
});

describe('what CUDA a driver runs', () => {
  it.each([['580.65.06', '13.0'], ['580', '13.0'], ['580.95', '13.0'], ['580.10', '12.9'], ['579.99', '12.9'], ['570.26', '12.8'], ['565.90', '12.6'], ['560.28.03', '12.6'], ['550.54.14', '12.4'], ['610.43.02', '13.3'], ['999.1', '13.3']])('%s: %s', (version, cuda) => expect(cudaOfDriver(makeDriver(version), tables)).toMatchObject({ cuda, below: false }));
  it('takes the driver’s own word first, and knows where its table ends', () => {
    expect(cudaOfDriver(makeDriver('580.95.05', { cudaVersion: '13.0', source: 'driver' }), tables)).toEqual({ cuda: '13.0', below: false, place: 'the driver itself' });
    expect(cudaOfDriver(makeDriver('450.80.02'), tables)).toMatchObject({ cuda: '11.7', below: true });
    expect(cudaOfDriver(makeDriver('572.16', { platform: 'windows_x86_64' }), tables)).toMatchObject({ cuda: '12.8' });
    for (const odd of [null, '', 'x', '580.x', '5'.repeat(50)]) expect(cudaOfDriver(makeDriver(odd), tables)).toBeNull();
  });
  it('agrees with the table of minimums: no toolkit’s own driver is below its minimum', () => {
    for (const [cuda, toolkit] of Object.entries(tables.wheels.drivers.toolkit)) {
      const full = toolkit.full_linux?.['GA'];
      expect(toolkit.min_linux, cuda).toBe(minimumDriver(Number.parseInt(cuda, 10), linux, tables)?.need);
      if (full !== undefined) expect(compareVersions(full, toolkit.min_linux), cuda).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('minimums', () => {
  it('are Windows’ own there and in WSL', () => {
    expect(minimumDriver(12, linux, tables)?.need).toBe('525.60.13');
    expect(minimumDriver(12, makeDriver('1', { platform: 'windows_x86_64' }), tables)?.need).toBe('528.33');
    expect(minimumDriver(12, makeDriver('1', { wsl: true }), tables)?.need).toBe('528.33');
    expect(minimumDriver(10, linux, tables)).toBeNull();
  });
  it('of GPUs hold for those that are newer than the table, and hearsay decides nothing', () => {
    expect(minimumDriverOfGpu(makeTarget('12.0'), tables)?.need).toBe('570');
    expect(minimumDriverOfGpu(makeTarget('14.0'), tables)?.need).toBe('570');
    expect(minimumDriverOfGpu(makeTarget('9.0'), tables)).toBeNull();
    expect(lastBranchOfGpu(makeTarget('6.1'), tables)?.branch).toBe('580');
    expect(lastBranchOfGpu(makeTarget('3.7'), tables)?.branch, 'R470 is not verified; R580 is').toBe('580');
    for (const capability of ['7.5', '12.0', '6.2', null]) expect(lastBranchOfGpu(makeTarget(capability), tables)).toBeNull();
  });
});

describe('driver, build and GPU', () => {
  it.each([
    ['580.95.05', 12, '12.0', 'fine', '570'], ['570.26', 13, '12.0', 'too_old', '580'], ['565.90', 12, '12.0', 'gpu_too_old', '570'], ['520.0', 12, '8.6', 'too_old', '525.60.13'], ['590.1', 12, '6.1', 'gpu_too_new', '525.60.13'], ['580.99', 12, '6.1', 'fine', '525.60.13'], [null, 12, '8.6', 'not_given', '525.60.13'], ['garbage', 12, '8.6', 'not_given', '525.60.13'],
  ] as const)('%s with CUDA %s on %s: %s', (version, major, capability, state, need) => {
    const judged = judgeDriver(major, makeTarget(capability), makeDriver(version), tables);
    expect([judged.state, judged.need]).toEqual([state, need]);
    expect(judged.evidence.some((e) => !e.supports)).toBe(!['fine', 'not_given'].includes(state));
  });
  it('is none only for a GPU of this machine, and a mismatch comes first', () => {
    expect(judgeDriver(12, makeTarget('8.6', 'x', 0), makeDriver(null), tables).state).toBe('none');
    expect(judgeDriver(12, makeTarget('8.6', 'x', 0), makeDriver(null, { source: 'driver' }), tables).state).toBe('none');
    expect(judgeDriver(12, makeTarget('8.6'), makeDriver(null, { source: 'driver' }), tables).state).toBe('not_given');
    expect(judgeDriver(13, makeTarget('12.0', 'x', 0), makeDriver('470.1', { mismatch: true }), tables).state).toBe('mismatch');
  });
  it('knows a driver’s version from anything else', () => {
    for (const good of ['580', '580.95', '580.95.05', '572.16']) expect(isDriverVersion(good)).toBe(true);
    for (const bad of [null, '', '5', '580.', '580.95.05.1.2', 'v580', '580,95']) expect(isDriverVersion(bad)).toBe(false);
  });
});
