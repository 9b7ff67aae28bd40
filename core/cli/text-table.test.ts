import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText, cutText, displayWidth, fitText } from './display-width.ts';
import { formatDuration, formatFileSize, formatMemory, formatMhz, formatPcie, formatPower, formatThree, shortDeviceName } from './format-values.ts';
import { toJson } from './output.ts';
import { renderTable, type TableColumn } from './text-table.ts';

describe('displayWidth', () => {
  it.each([['', 0], ['abc', 3], ['naïve', 5], ['e\u0301', 1], ['日本語', 6], ['한글', 4], ['👩‍👩‍👧', 2], ['🚀x', 3], ['a\u200bb', 2], ['─█▓·…', 5], ['ｆｕｌｌ', 8]])('%j is %d cells', (text, cells) => {
    expect(displayWidth(text)).toBe(cells);
  });

  it('fits any text into any width exactly, and cuts to at most it', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (raw, width) => {
      const text = cleanText(raw);
      expect(displayWidth(cutText(text, width))).toBeLessThanOrEqual(width);
      expect(displayWidth(fitText(text, width))).toBe(width);
    }), { seed: 7, numRuns: 300 });
  });

  it('lets nothing through that a terminal obeys', () => {
    expect(cleanText('python\u001b[2J\u0007 x\u009b31m\ny\u202ez')).toBe('python [2J  x 31m y z');
    expect(toJson({ a: 'x\u009b\u007f' })).toBe('{"a":"x\\u009b\\u007f"}');
  });
});

describe('renderTable', () => {
  const columns: readonly TableColumn[] = [{ title: 'ID', align: 'right' }, { title: 'NAME', shrinkTo: 6 }, { title: 'NOTE', dropOrder: 1 }, { title: 'MORE', dropOrder: 2 }];
  const rows = [['1', 'a long name here', 'note', 'more'], ['22', '日本語の名前', '', 'x']];
  it('shows all where nothing limits it', () => {
    expect(renderTable(columns, rows, null)).toEqual(['ID  NAME              NOTE  MORE', ' 1  a long name here  note  more', '22  日本語の名前            x']);
  });
  it('drops the highest first, then shrinks', () => {
    expect(renderTable(columns, rows, 18)).toEqual(['ID  NAME      NOTE', ' 1  a long …  note', '22  日本語…']);
  });
  it('is never wider than its room', () => {
    for (let room = 4; room < 40; room += 1) for (const line of renderTable(columns, rows, room)) expect(displayWidth(line)).toBeLessThanOrEqual(room);
  });
});

describe('numbers', () => {
  it.each([[27.4321, '27.4'], [6.018, '6.02'], [0.61, '0.61'], [118.4, '118'], [9.999, '10.0'], [99.96, '100']])('%d → %s', (value, text) => {
    expect(formatThree(value)).toBe(text);
  });
  it('keeps units, and tells not reported from zero', () => {
    expect(formatMemory(0, 32 * 1024 ** 3)).toBe('0.00 / 32.0 GiB');
    expect(formatMemory(null, 32 * 1024 ** 3)).toBe('— / 32.0 GiB');
    expect(formatMemory(null, null)).toBe('—');
    expect(formatPower(553.2, 575)).toBe('553 / 575 W');
    expect(formatPower(553.2, null)).toBe('553 W');
    expect(formatMhz(2745)).toBe('2,745 MHz');
    expect(formatPcie(5, 16)).toBe('5.0×16');
    expect(formatPcie(null, null)).toBe('—');
  });
  it.each([[5, '5 s'], [88, '88 s'], [300, '5 m'], [8040, '2 h 14 m'], [10_920, '3 h 02 m'], [792_000, '9 d 04 h']])('%d s → %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
  it('names sizes and devices shortly', () => {
    expect(formatFileSize(999)).toBe('999 B');
    expect(formatFileSize(1234)).toBe('1.23 kB');
    expect(shortDeviceName('NVIDIA GeForce RTX 5090')).toBe('RTX 5090');
    expect(shortDeviceName('NVIDIA H200')).toBe('H200');
  });
});
