import { describe, expect, it } from 'vitest';
import { plainText } from './plain-text.ts';

describe('plainText', () => {
  it.each([
    ['chat-legacy', 'chat-legacy'],
    ['<b onclick="x()">', '<b onclick="x()">'],
    ['a\nb\tc\u0000', 'a␊b␉c␀'],
    ['\u001b[31mred', '␛[31mred'],
    ['exe.\u202etxt', 'exe.\ufffdtxt'],
    ['a\u200bb\u2066c\ufeff\u0085', 'a\ufffdb\ufffdc\ufffd\ufffd'],
    ['模型-🚀', '模型-🚀'],
    ['סביבה', '\u2068סביבה\u2069'],
    ['', ''],
  ])('%j is shown as %j', (text, shown) => {
    expect(plainText(text)).toBe(shown);
  });
});
