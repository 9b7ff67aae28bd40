import { describe, expect, it } from 'vitest';
import * as f from './format.ts';

describe('numbers', () => {
  it.each([[0, '0.00'], [0.0123, '0.01'], [6.409, '6.41'], [9.994, '9.99'], [9.996, '10.0'], [27.44, '27.4'], [99.94, '99.9'], [99.96, '100'], [552.6, '553'], [1245, '1,245'], [-3.14159, '-3.14']])('%d shows as %s', (value, text) => {
    expect(f.formatFigures(value)).toBe(text);
  });
  it('memory is in GiB, used and total in one unit', () => {
    expect(f.formatGib(29_420_000_000)).toEqual({ text: '27.4', unit: 'GiB' });
    expect(f.formatGibPair(0, 2 ** 35)).toEqual({ text: '0.00 / 32.0', unit: 'GiB' });
  });
  it.each([[0, '0 B'], [999, '999 B'], [20_480, '20.5 kB'], [999_499, '999 kB'], [999_600, '1.00 MB'], [98_362_432, '98.4 MB'], [639_000_000, '639 MB'], [999_600_000, '1.00 GB'], [42_520_000_000, '42.5 GB']])('a file of %d bytes has %s', (bytes, words) => {
    const { text, unit } = f.formatBytes(bytes);
    expect(`${text} ${unit}`).toBe(words);
  });
  it('stores that are limited in MiB are told in it', () => {
    expect(f.formatMib(512 * 2 ** 20)).toEqual({ text: '512', unit: 'MiB' });
    expect(f.formatMib(1536 * 2 ** 20)).toEqual({ text: '1.50', unit: 'GiB' });
  });
  it('bandwidth is decimal, energy J or kWh', () => {
    expect(f.formatGbPerSecond(3_230_000_000)).toEqual({ text: '3.23', unit: 'GB/s' });
    expect(f.formatEnergy(1800)).toEqual({ text: '1,800', unit: 'J' });
    expect(f.formatEnergy(7_200_000)).toEqual({ text: '2.00', unit: 'kWh' });
  });
  it('a big number of power is whole from ten watts on', () => {
    expect(f.formatWattsWhole(22.4).text).toBe('22');
    expect(f.formatWattsWhole(4.26).text).toBe('4.26');
  });
});

describe('time', () => {
  it.each([[0, '0 s'], [9.4, '9 s'], [88, '88 s'], [119, '119 s'], [120, '2 min'], [125, '2 min 5 s'], [640, '10 min'], [8460, '2 h 21 min'], [7200, '2 h'], [200_000, '2 d 7 h'], [172_800, '2 d']])('%d s is %s', (seconds, text) => {
    expect(f.formatDuration(seconds)).toBe(text);
  });
  it('says today by the clock, this week by the day, and else by the date', () => {
    const now = new Date(2026, 10, 21, 14, 32, 40).getTime();
    expect(f.formatWhen(new Date(2026, 10, 21, 14, 29, 6).getTime(), now)).toBe('14:29:06');
    expect(f.formatWhen(new Date(2026, 10, 19, 9, 12).getTime(), now)).toBe('Thu 09:12');
    expect(f.formatWhen(new Date(2026, 8, 3, 9, 12).getTime(), now)).toBe('3 September, 09:12');
  });
});

it.each([['NVIDIA GeForce RTX 5090', 'RTX 5090'], ['NVIDIA H200', 'H200'], ['Tesla T4', 'T4'], ['Quadro RTX 6000', 'RTX 6000'], ['NVIDIA', 'NVIDIA'], ['NVIDIA GB10', 'GB10']])('%s is called %s', (name, short) => {
  expect(f.formatDeviceName(name)).toBe(short);
});

it('counts with the right word', () => {
  expect(f.formatCount(1, 'alert')).toBe('1 alert');
  expect(f.formatCount(2, 'alert')).toBe('2 alerts');
});
