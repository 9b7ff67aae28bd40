import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../testing/parse-csv.ts';
import { makeCsv, makeCsvCell } from './make-csv.ts';

describe('CSV', () => {
  it('keeps numbers as numbers, and nothing as nothing', () => expect(makeCsv([[-1.5, null, 0], ['a']])).toBe('-1.5,,0\r\na\r\n'));

  it.each([
    ['-5', "'-5"], ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'], ['\t=1', "'\t=1"], ['@B', "'@B"], ['\uFF1D1', "'\uFF1D1"], [' +1', "' +1"],
    ['a,b', '"a,b"'], ['two\r\nlines', '"two\r\nlines"'], ['say "x"', '"say ""x"""'], [' edge ', '" edge "'], ['RTX 5090', 'RTX 5090'], ['', ''],
  ])('%j becomes %s, which no spreadsheet runs', (text, cell) => expect(makeCsvCell(text)).toBe(cell));

  it('keeps any text in its cell', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.string(), { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }), (rows) => {
      expect(parseCsv(makeCsv(rows)).map((row) => row.map((cell) => cell.replace(/^'/, '')))).toEqual(rows.map((row) => row.map((cell) => cell.replace(/^'/, ''))));
    }), { seed: 9, numRuns: 300 });
  });
});
