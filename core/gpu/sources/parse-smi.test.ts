import { describe, expect, it } from 'vitest';
import { device, deviceSample } from '../../../contract/gpu.ts';
import { deviceFromSmi, notReportedFromSmi, parseInvalidField, parseSmiHeader, parseSmiNumber, parseSmiRow, sampleFromSmi } from './parse-smi.ts';

/** As an H200 with driver 580.159.04 printed it under load (2026-11-21). */
const header = 'timestamp, index, uuid, name, utilization.gpu [%], utilization.memory [%], memory.used [MiB], memory.total [MiB], power.draw.instant [W], power.draw.average [W], power.limit [W], temperature.gpu, temperature.memory, clocks.current.sm [MHz], clocks.current.memory [MHz], clocks_event_reasons.active, pcie.link.gen.current, pcie.link.width.current, fan.speed [%], pstate';
const line = '2026/11/21 09:32:32.382, 0, GPU-00000001-0000-4000-8000-000000000001, NVIDIA H200, 100 %, 25 %, 1139 MiB, 143771 MiB, 688.54 W, 693.75 W, 700.00 W, 56, 41, 1485 MHz, 3201 MHz, 0x0000000000000004, 5, 16, [N/A], P0';

const row = (h: string, l: string) => {
  const parsed = parseSmiRow(parseSmiHeader(h) ?? [], l);
  if (parsed === null) throw new Error('no row');
  return parsed;
};

describe('nvidia-smi text', () => {
  it('is read by column name, with or without units', () => {
    const s = sampleFromSmi(row(header, line));
    expect(deviceSample.parse(s)).toEqual(s);
    expect(s.fast).toEqual({ utilGpuPercent: 100, utilMemPercent: 25, powerWatts: 688.54, clockSmMhz: 1485, clockMemMhz: 3201, eventReasons: 4 });
    expect(s.medium).toMatchObject({ memUsedBytes: 1139 * 1_048_576, tempCelsius: 56, tempMemCelsius: 41, powerLimitWatts: 700, pcieGen: 5, pcieWidth: 16, pstate: 0, energyJoules: null });
    expect(s.slow?.fanPercent).toBeNull();
    expect(notReportedFromSmi(row(header, line))['fanPercent']?.code).toBe('not_supported');
    expect(notReportedFromSmi(row(header, line))['utilEncoderPercent']?.code).toBe('source');
    expect(sampleFromSmi(row(header.replaceAll(/ \[[^\]]+\]/g, ''), line.replaceAll(/ (%|MiB|W|MHz)/g, '')))).toEqual(s);
  });

  it('of a system with decimal commas means the same', () => {
    expect(sampleFromSmi(row(header, line.replaceAll(/(\d)\.(\d\d) W/g, '$1,$2 W'))).fast?.powerWatts).toBe(688.54);
  });

  it('makes a device that fits the contract, also from a static line', () => {
    const h = 'index, uuid, name, pci.bus_id, compute_cap, driver_version, memory.total [MiB], power.limit [W], mig.mode.current, ecc.mode.current, persistence_mode';
    const d = deviceFromSmi(row(h, '0, GPU-00000002-0000-4000-8000-000000000002, NVIDIA H200, 00000000:00:06.0, 9.0, 580.159.04, 143771 MiB, 700.00 W, Disabled, Enabled, Enabled'));
    expect(device.parse(d)).toEqual(d);
    expect(d).toMatchObject({ index: 0, computeCapability: '9.0', memTotalBytes: 143_771 * 1_048_576, powerLimitWatts: 700, migMode: 'disabled', eccEnabled: true, persistenceMode: true, fanCount: null });
    for (const [field, value] of Object.entries(d)) if (value === null && !['parentUuid', 'migProfile'].includes(field)) expect(d.notReported, field).toHaveProperty(field);
  });

  it.each([
    ['12', 12], ['12 %', 12], ['688.54 W', 688.54], ['688,54', 688.54], ['0x0000000000000004', 4], ['0', 0], ['[N/A]', null], ['N/A', null], ['[Not Supported]', null], ['[Unknown Error]', null], ['', null], [undefined, null],
    ['-1', null], ['NaN', null], ['Infinity', null], ['1e9', null], ['[GPU is lost]', null], ['[Requested functionality has been deprecated]', null], ['9'.repeat(30), null], ['12 apples', null],
  ])('number %j is %j', (cell, value) => { expect(parseSmiNumber(cell)).toBe(value); });

  it.each(['', 'hello', 'a, b, c', 'index, name'])('%j is no header', (text) => { expect(parseSmiHeader(text)).toBeNull(); });
  it('is no row with a cell too few, or without a UUID', () => {
    const columns = parseSmiHeader(header) ?? [];
    expect(parseSmiRow(columns, line.slice(0, -4))).toBeNull();
    expect(parseSmiRow(columns, line.replace('GPU-', 'XPU-'))).toBeNull();
  });
  it('of a lost GPU is a state', () => {
    expect(sampleFromSmi(row('index, uuid, power.draw [W]', '0, GPU-1, [GPU is lost]'))).toEqual({ uuid: 'GPU-1', state: 'lost', fast: null });
  });
  it('names the field that is refused', () => {
    expect(parseInvalidField('Field "power.draw.instant" is not a valid field to query.\n')).toBe('power.draw.instant');
    expect(parseInvalidField('NVIDIA-SMI has failed')).toBeNull();
  });
  it('never throws, whatever the text', () => {
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const pieces = [', ', '[N/A]', '%', 'GPU-', '0x', ',', '.', '\0', 'é', '9', '-', 'MiB', ' ', '[', ']'];
    for (let i = 0; i < 3000; i += 1) {
      const noise = Array.from({ length: Math.floor(random() * 60) }, () => pieces[Math.floor(random() * pieces.length)]).join('');
      const r = parseSmiRow(parseSmiHeader(noise) ?? parseSmiHeader(header) ?? [], noise) ?? new Map([['uuid', noise], ['power.draw', noise], ['pstate', noise]]);
      expect(deviceSample.safeParse(sampleFromSmi(r)).success).toBe(true);
      expect(device.safeParse(deviceFromSmi(r)).success).toBe(true);
    }
  });
});
