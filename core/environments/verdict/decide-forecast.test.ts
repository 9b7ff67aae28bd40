import { beforeAll, describe, expect, it } from 'vitest';
import { readTables, type Tables } from '../tables/read-tables.ts';
import { decideForecast } from './decide-forecast.ts';
import { makeTarget, makeTorch, makeXray, resources } from './testing/make-facts.ts';

let tables: Tables;
beforeAll(async () => { tables = await readTables(resources); });
const pascal = makeTarget('6.1', 'GTX 1080'), volta = makeTarget('7.0', 'V100'), ada = makeTarget('8.9', 'RTX 4090');
const installed = (version: string): ReturnType<typeof makeXray> => makeXray(makeTorch(version, ['sm_50', 'sm_60', 'sm_70']));

describe('the next upgrade', () => {
  it('takes Pascal away: the last good build with its label', () => {
    const forecast = decideForecast(pascal, installed('2.4.1+cu121'), 'linux_x86_64', tables);
    expect(forecast).toMatchObject({ lastGood: '2.14.x+cu126', dropsAt: '2.15', text: 'torch 2.15 and later have no kernels for GTX 1080. Stay on 2.14.x+cu126.' });
    expect(forecast?.place).toMatch(/^pytorch-wheels\.json, linux_x86_64 2\.15 cu130 cu132, \d{4}-/);
    expect(decideForecast(pascal, installed('2.14.1+cu126'), 'linux_x86_64', tables)?.text).toBe('This is the last release with kernels for GTX 1080: torch 2.15 has none. Stay on 2.14.x+cu126.');
  });
  it.each([['1.13.1', '3.7', '2.7.1+cu118', '2.8'], ['2.10.0', '7.0', '2.14.x+cu126', '2.15'], ['2.0.1', '5.2', '2.14.x+cu126', '2.15']])('%s on %s', (version, capability, lastGood, dropsAt) => expect(decideForecast(makeTarget(capability), installed(version), 'linux_x86_64', tables)).toMatchObject({ lastGood, dropsAt }));
  it('also on Windows, where the default is a CPU build anyway', () => expect(decideForecast(volta, installed('2.9.0+cu126'), 'windows_x86_64', tables)).toMatchObject({ lastGood: '2.14.x+cu126', dropsAt: '2.15' }));
  it('by the default build alone, where another build of that release still has it', () => {
    // The table as it was in the days of 2.11: cu130 by default, cu126 beside it.
    const then: Tables = { ...tables, wheels: { ...tables.wheels, linux_x86_64: Object.fromEntries(Object.entries(tables.wheels.linux_x86_64).filter(([r]) => !['2.12', '2.13', '2.14', '2.15'].includes(r))) } };
    expect(decideForecast(volta, installed('2.9.1+cu128'), 'linux_x86_64', then)).toMatchObject({ lastGood: '2.11.x+cu126', dropsAt: '2.11', text: 'A plain upgrade takes V100 away: the default build of torch 2.11 (cu130) has no kernels for it. Name the build: 2.11.x+cu126.' });
  });
  it('says nothing where nothing is lost', () => {
    expect(decideForecast(ada, installed('2.4.1+cu121'), 'linux_x86_64', tables)).toBeNull();
    expect(decideForecast(pascal, installed('2.15.0+cu132'), 'linux_x86_64', tables)).toBeNull();
    expect(decideForecast(makeTarget('3.5'), null, 'linux_x86_64', tables)).toBeNull();
    expect(decideForecast(makeTarget(null), null, 'linux_x86_64', tables)).toBeNull();
    expect(decideForecast(pascal, makeXray(null), 'linux_x86_64', tables)).toBeNull();
    expect(decideForecast(pascal, installed('garbage'), 'linux_x86_64', tables)).toBeNull();
    expect(decideForecast(pascal, installed('99.0'), 'linux_x86_64', tables)).toBeNull();
  });
  it('for a GPU alone, without an environment', () => expect(decideForecast(volta, null, 'linux_x86_64', tables)).toMatchObject({ lastGood: '2.14.x+cu126', dropsAt: '2.15' }));
});
