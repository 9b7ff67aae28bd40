import { describe, expect, it } from 'vitest';
import { problemOf } from '../../contract/problem.ts';
import { commands } from './command-table.ts';
import { editDistance, findNearMatch } from './near-match.ts';
import { globalFlags, isGpuSpec, numberFlag, parseCommandLine } from './parse-command-line.ts';
import { parseTime } from './parse-time.ts';

const parse = (line: string) => parseCommandLine(line === '' ? [] : line.split(' '), commands);
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    const problem = problemOf(error);
    return `${problem?.code ?? '?'}: ${problem?.cause ?? ''}`;
  }
  return 'accepted';
}

describe('parseCommandLine', () => {
  it.each([
    ['', null, [], {}],
    ['--gpus simulate:4', null, [], { gpus: 'simulate:4' }],
    ['gpus', 'gpus', [], {}],
    ['--data-dir /x gpus --watch', 'gpus', [], { 'data-dir': '/x', watch: true }],
    ['gpus --gpus=simulate:2 -w', 'gpus', [], { gpus: 'simulate:2', watch: true }],
    ['--gpus gpus ps', 'ps', [], { gpus: 'gpus' }],
    ['export --from -1h --to now -o -', 'export', [], { from: '-1h', to: 'now', output: '-' }],
    ['record -- --odd-name', 'record', ['--odd-name'], {}],
    ['export --from -1h --from -2h', 'export', [], { from: '-2h' }],
    ['call gpus.watch -i {"rateHz":2}', 'call', ['gpus.watch'], { input: '{"rateHz":2}' }],
    ['settings set history.sizeCapMiB 1024', 'settings', ['set', 'history.sizeCapMiB', '1024'], {}],
  ])('%s', (line, verb, positionals, flags) => {
    const parsed = parse(line);
    expect(parsed.verb).toBe(verb);
    expect(parsed.positionals).toEqual(positionals);
    for (const [name, value] of Object.entries(flags)) expect(value === true ? parsed.flags.on(name) : parsed.flags.text(name)).toBe(value);
  });

  it.each([
    ['gpuss', 'Did you mean "gpus"?'],
    ['frobnicate', 'There is no command "frobnicate".'],
    ['gpus --jsn', 'There is no flag --jsn of "gpus". Did you mean --json?'],
    ['gpus --intervall 5', 'Did you mean --interval?'],
    ['gpus -x', 'There is no flag -x of "gpus".'],
    ['--wach gpus', 'There is no flag --wach'],
    ['gpus --json=yes', '--json takes no value.'],
    ['gpus --gpus', '--gpus needs a value'],
    ['export --format xml', '--format is one of csv, jsonl, not "xml".'],
    ['gpus extra', '"extra" is one word too many'],
    ['record', '"record" needs more'],
  ])('refuses %s', (line, words) => {
    expect(refusal(() => parse(line))).toContain('usage.unknown');
    expect(refusal(() => parse(line))).toContain(words);
  });

  it('gives no verb a flag that means something else everywhere', () => {
    const taken = new Set([...globalFlags.map((f) => f.name), ...globalFlags.flatMap((f) => (f.short ? [f.short] : []))]);
    for (const command of commands) for (const flag of command.flags) expect([flag.name, flag.short].filter((n) => n !== undefined && taken.has(n))).toEqual([]);
  });

  it('has examples that it understands itself', () => {
    for (const command of commands) {
      for (const { command: text } of command.examples) {
        const words = /warpdeck ?([^>|)"]*)/.exec(text)?.[1]?.trim() ?? '';
        // Quoted words are the shell's: this splits at blanks only.
        if (!/['"]/.test(text)) expect(refusal(() => parse(words)), text).toBe('accepted');
      }
    }
  });
});

describe('flags with values', () => {
  it('takes numbers within limits', () => {
    const { flags } = parse('gpus --interval 250');
    expect(numberFlag(flags, 'interval', { min: 100, max: 60_000, unit: 'ms' })).toBe(250);
    expect(refusal(() => numberFlag(parse('gpus --interval 5').flags, 'interval', { min: 100, max: 60_000, unit: 'ms' }))).toContain('from 100 to 60000 ms, not "5"');
    expect(refusal(() => numberFlag(parse('gpus --interval fast').flags, 'interval', { min: 100, max: 60_000, unit: 'ms' }))).toContain('not "fast"');
  });

  it.each([['nvml', true], ['smi', true], ['none', true], ['simulate', true], ['simulate:16', true], ['simulate:0', false], ['simulate:17', false], ['replay:a b.jsonl', true], ['replay:', false], ['cuda', false]])('--gpus %s: %s', (spec, good) => {
    expect(isGpuSpec(spec)).toBe(good);
  });

  const now = Date.parse('2026-03-01T12:00:00Z');
  it.each([['now', now], ['-1h', now - 3_600_000], ['-90s', now - 90_000], ['-1.5d', now - 129_600_000], ['2026-02-28T10:00Z', Date.parse('2026-02-28T10:00:00Z')], ['2026-02-28 10:00:30+01:00', Date.parse('2026-02-28T09:00:30Z')], ['2026-02-28', new Date(2026, 1, 28).getTime()]])('time %s', (text, at) => {
    expect(parseTime(text, now, '--from')).toBe(at);
  });
  it.each(['yesterday', '-5x', '1h', '2026-13-01', ''])('refuses the time "%s"', (text) => {
    expect(refusal(() => parseTime(text, now, '--from'))).toContain('--from is a time');
  });
});

describe('findNearMatch', () => {
  it.each([['gpsu', 'gpus'], ['expor', 'export'], ['PS', 'ps'], ['zzz', null], ['', null], ['gpus.lst', null]])('%s', (word, near) => {
    expect(findNearMatch(word, commands.map((c) => c.name))).toBe(near);
  });
  it('counts a swap of neighbours as one edit', () => {
    expect(editDistance('jsno', 'json')).toBe(1);
    expect(editDistance('', 'abc')).toBe(3);
  });
});
