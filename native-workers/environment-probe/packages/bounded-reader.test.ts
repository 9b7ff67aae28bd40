import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeTestFolder } from '../../../core/testing/test-folder.ts';
import { createBoundedReader, decodeText } from './bounded-reader.ts';
import { parseCudaStatement } from './decide-cuda-label.ts';
import { parseMetadata } from './parse-metadata.ts';
import { parseRecord } from './parse-record.ts';
import { parseRequirement } from './parse-requirement.ts';
import { parseVersionFile } from './parse-version-file.ts';
import { parseEnvironmentFile, parsePinnedFile, parsePixiLock } from './pins/parse-conda-pins.ts';
import { parseRequirementFile } from './pins/parse-requirement-file.ts';
import { parseLockPins, parseTomlPins } from './pins/parse-toml-pins.ts';
import { decideIdentity } from './read-distributions.ts';
import { parsePathFile } from './read-path-files.ts';
import { parseDirectUrl } from './read-torch-facts.ts';

test('only regular files, no more than asked for, no more than allowed in all', () => {
  const root = makeTestFolder('bounded-reader');
  const at = (name: string): string => join(root, name);
  writeFileSync(at('file'), '0123456789');
  writeFileSync(at('empty'), '');
  mkdirSync(at('folder'));
  symlinkSync('loop', at('loop'));
  symlinkSync('/dev/zero', at('zero'));
  symlinkSync('nowhere', at('dangling'));
  execFileSync('mkfifo', [at('pipe')]);
  const reader = createBoundedReader(20);
  expect(reader.read(at('file'), 4)).toEqual({ state: 'read', bytes: Buffer.from('0123'), cut: true });
  expect(reader.readText(at('file'), 100)).toBe('0123456789');
  expect(reader.readText(at('empty'), 100)).toBe('');
  for (const name of ['folder', 'zero', 'pipe']) expect(reader.read(at(name), 4)).toEqual({ state: 'unreadable', detail: 'is no regular file' });
  expect(reader.read(at('loop'), 4)).toEqual({ state: 'unreadable', detail: 'is a link that leads to itself' });
  for (const name of ['none', 'dangling', 'file/below']) expect(reader.read(at(name), 4)).toEqual({ state: 'absent' });
  expect(reader.read(at('x'.repeat(300)), 4)).toMatchObject({ detail: 'has a name that is too long' });
  expect(reader.read('a\0b', 4).state).toBe('unreadable');
  expect(reader.readText(at('file'), 100)).toBe('0123456789');
  expect(reader.bytesRead()).toBe(24);
  expect(reader.read(at('file'), 100)).toMatchObject({ state: 'unreadable', detail: expect.stringContaining('far too many bytes') });
});

test('folders are listed up to a number', () => {
  const root = makeTestFolder('bounded-list');
  for (let n = 0; n < 20; n++) writeFileSync(join(root, `f${n}`), '');
  const reader = createBoundedReader();
  expect(reader.list(root, 5)).toMatchObject({ state: 'read', cut: true, entries: { length: 5 } });
  expect(reader.list(root, 20)).toMatchObject({ state: 'read', cut: false, entries: { length: 20 } });
  expect(reader.list(join(root, 'f1'), 5)).toEqual({ state: 'absent' });
  chmodSync(root, 0o000);
  // Root may read everything.
  expect(reader.list(root, 1).state).toBe(process.getuid?.() === 0 ? 'read' : 'unreadable');
  chmodSync(root, 0o700);
});

describe('whatever the text, there is an answer', () => {
  const words = fc.constantFrom('torch', '==2.4.1', '[', ']', '[[package]]', '{', '}', '"', "'", '"""', '=', ',', '.', '#', '-', '- ', '-r ', 'dependencies:', 'pip:', '\n', '\r\n', ' ', '\t', '\\', '\0', 'Name:', 'Version:', 'name', 'version', 'import ', '~', ';', '@ ', 'https://a:b@c/whl/cu121', 'é', '🐍', 'cuda', ': ', '..', '/');
  const text = fc.oneof(fc.string({ maxLength: 300, unit: 'binary' }), fc.array(words, { maxLength: 80 }).map((parts) => parts.join('')));
  const parsers: Readonly<Record<string, (text: string) => unknown>> = {
    parseMetadata, parseRequirement, parseVersionFile, parseCudaStatement, parseRequirementFile, parseEnvironmentFile, parsePinnedFile, parsePixiLock, parseTomlPins, parseLockPins, parsePathFile, parseDirectUrl,
    parseRecord: (value) => parseRecord(value, () => undefined),
    decideIdentity: (value) => decideIdentity(value, parseMetadata(value)),
    decodeText: (value) => decodeText(Buffer.from(value, 'latin1')),
  };
  test.each(Object.keys(parsers))('%s', (name) => {
    fc.assert(fc.property(text, (value) => void parsers[name]?.(value)), { seed: 4, numRuns: 400 });
  });
  test.each([' ', '\t', '#', '-', '=', '"', '[', '{', '\\\n', 'a.', '//', '@', 'cuda ', ' #', ' -', '\r'])('a megabyte of %j takes no longer than it should', (part) => {
    // Quadratic work on this length takes hours, and the test's own limit ends it.
    for (const parse of Object.values(parsers)) parse(`torch${part.repeat(Math.floor(1_000_000 / part.length))}x`);
  });
});
