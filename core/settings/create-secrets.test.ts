import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../testing/test-folder.ts';
import { problemOf } from '../../contract/problem.ts';
import { keepLog } from '../storage/history/history-fixtures.ts';
import { createSecrets, type RunTool } from './create-secrets.ts';

const VALUE = 'hf_PlantedSecretValue123 with "quotes" and $dollars';

/** Runs real programs, found in one folder only; writes down how they were called. */
function toolsIn(bin: string): { readonly runTool: RunTool; readonly calls: string[][] } {
  const calls: string[][] = [];
  const runTool: RunTool = (program, args, input) => new Promise((resolve, reject) => {
    calls.push([program, ...args]);
    const child = spawn(program, [...args], { env: { PATH: `${bin}:/usr/bin:/bin`, KEYRING: bin }, stdio: ['pipe', 'pipe', 'ignore'] });
    let stdout = '';
    child.stdout.on('data', (data: Buffer) => { stdout += data.toString(); });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
  return { runTool, calls };
}

/** A stand-in for libsecret's tool with its interface: attributes as arguments, the value on standard input. */
function installSecretTool(body: string): string {
  const bin = makeTestFolder('keyring');
  writeFileSync(join(bin, 'secret-tool'), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, 'secret-tool'), 0o755);
  return bin;
}
const working = `last() { for a; do :; done; echo "$a"; }; f="$KEYRING/$(last "$@").secret"
case "$1" in store) cat > "$f" ;; lookup) [ -f "$f" ] || exit 1; cat "$f" ;; clear) rm -f "$f" ;; esac`;

const secretsPath = (): string => join(makeTestFolder('secrets'), 'secrets.json');

describe('createSecrets', () => {
  it('keeps a value in the keyring, nowhere else', async () => {
    const bin = installSecretTool(working);
    const { runTool, calls } = toolsIn(bin);
    const path = secretsPath();
    const log = keepLog();
    const secrets = createSecrets({ path, runTool, log, platform: 'linux' });
    expect(await secrets.list()).toEqual([{ name: 'hub_token', set: false, where: 'keyring' }]);
    expect(await secrets.set('hub_token', VALUE)).toEqual({ name: 'hub_token', set: true, where: 'keyring' });
    expect(await secrets.get('hub_token')).toBe(VALUE);
    expect(await createSecrets({ path, runTool, log, platform: 'linux' }).get('hub_token')).toBe(VALUE);
    expect(secrets.problem()).toBeNull();
    for (const text of [readFileSync(path, 'utf8'), JSON.stringify(calls), JSON.stringify(log.lines)]) expect(text).not.toContain('Planted');
    expect(await secrets.set('hub_token', null)).toMatchObject({ set: false });
    expect(await secrets.get('hub_token')).toBeNull();
    expect(calls.at(-1)).toEqual(['secret-tool', 'clear', 'application', 'warpdeck', 'name', 'hub_token']);
  });

  it.each<[string, string | null]>([
    ['there is no tool', null],
    ['no service answers', 'cat > /dev/null; exit 1'],
    ['it says yes and keeps nothing', '[ "$1" = store ] && cat > /dev/null; exit 0'],
    ['it gives back something else', 'cat > /dev/null; echo other'],
  ])('keeps it in a 0600 file where %s, and says so', async (_, body) => {
    const bin = body === null ? makeTestFolder('none') : installSecretTool(body);
    const { runTool } = toolsIn(bin);
    const path = secretsPath();
    const log = keepLog();
    const secrets = createSecrets({ path, runTool, log, platform: 'linux' });
    expect(await secrets.set('hub_token', VALUE)).toEqual({ name: 'hub_token', set: true, where: 'file' });
    expect(secrets.problem()).toMatchObject({ code: 'secrets.no_keyring', facts: { path } });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await createSecrets({ path, log }).get('hub_token')).toBe(VALUE);
    expect(JSON.stringify(log.lines)).not.toContain('Planted');
    await secrets.set('hub_token', '');
    expect(readFileSync(path, 'utf8')).not.toContain('Planted');
    expect(await secrets.list()).toEqual([{ name: 'hub_token', set: false, where: 'file' }]);
  });

  it('speaks to the macOS tool over standard input', async () => {
    const bin = makeTestFolder('keychain');
    writeFileSync(join(bin, 'security'), `#!/bin/sh\ncase "$1" in -i) cat > "$KEYRING/said"; printf '%s' 'plain-value' > "$KEYRING/v" ;; find-generic-password) cat "$KEYRING/v"; echo ;; esac`);
    chmodSync(join(bin, 'security'), 0o755);
    const { runTool, calls } = toolsIn(bin);
    const secrets = createSecrets({ path: secretsPath(), runTool, log: keepLog(), platform: 'darwin' });
    expect(await secrets.set('hub_token', 'plain-value')).toMatchObject({ where: 'keyring' });
    expect(readFileSync(join(bin, 'said'), 'utf8')).toBe('add-generic-password -U -a warpdeck -s "warpdeck hub_token" -w "plain-value"\n');
    expect(JSON.stringify(calls)).not.toContain('plain-value');
  });

  it('refuses a name that is not one, and a damaged file is no secret', async () => {
    const path = secretsPath();
    writeFileSync(path, `{"schemaVersion":1,"secrets":{"hub_token":"${VALUE.slice(0, 10)}`);
    const log = keepLog();
    const secrets = createSecrets({ path, log });
    expect(problemOf(await secrets.set('root_password', 'x').catch((e: unknown) => e))?.code).toBe('input.invalid');
    expect(await secrets.get('hub_token')).toBeNull();
    expect(JSON.stringify(log.lines)).not.toContain('hf_');
    // What cannot be read is not written over: a newer version may understand it.
    const text = readFileSync(path, 'utf8');
    await secrets.set('hub_token', 'abc');
    expect(await secrets.get('hub_token')).toBe('abc');
    expect(readFileSync(`${path}.broken`, 'utf8')).toBe(text);
    const dir = secretsPath();
    mkdirSync(dir);
    expect(problemOf(await createSecrets({ path: dir, log }).set('hub_token', 'abc').catch((e: unknown) => e))?.code).toBe('file.not_writable');
  });
});
