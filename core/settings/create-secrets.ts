import { readFile, rename } from 'node:fs/promises';
import { z } from 'zod';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import type { Problem } from '../../contract/problem.ts';
import type { SecretStatus } from '../../contract/settings.ts';
import type { Logger } from '../logging/logger.ts';
import { writeFileAtomic } from '../storage/write-file-atomic.ts';

/** Those that are always listed, set or not. */
const secretNames = ['hub_token'] as const;
/** The keys of other servers come and go with them. */
export type SecretName = (typeof secretNames)[number] | `provider:${string}`;

const isSecretName = (name: string): name is SecretName => secretNames.some((one) => one === name) || /^provider:[a-z0-9-]{1,64}$/.test(name);

/** Runs a system tool with text on its standard input; rejects when it cannot be started or takes too long. */
export type RunTool = (program: string, args: readonly string[], input: string) => Promise<{ readonly code: number | null; readonly stdout: string }>;

export interface Secrets {
  list(): Promise<SecretStatus[]>;
  /** Keeps a value in the system's keyring, else in the 0600 file; null removes it. @throws ProblemError `file.*`, `input.invalid` */
  set(name: string, value: string | null): Promise<SecretStatus>;
  /** null when it is not set, or the keyring does not give it out now. */
  get(name: SecretName): Promise<string | null>;
  /** Called with its name after one was set or removed, before `set` answers. Returns the way to stop listening. */
  onChange(listener: (name: SecretName) => void): () => void;
  /** `secrets.no_keyring` once a secret had to be kept in the file. */
  problem(): Problem | null;
}

export interface SecretsOptions {
  /** null: kept in memory only. */
  readonly path: string | null;
  /** Without it no keyring is used. */
  readonly runTool?: RunTool;
  readonly log: Logger;
  readonly platform?: NodeJS.Platform;
}

/** Where each secret lies; a value only when there is no keyring. */
const secretsFile = z.object({
  schemaVersion: z.literal(1),
  secrets: z.record(z.string(), z.discriminatedUnion('where', [z.object({ where: z.literal('keyring') }), z.object({ where: z.literal('file'), value: z.string() })])),
});
type SecretsFile = z.infer<typeof secretsFile>;

export function createSecrets({ path, runTool, log, platform = process.platform }: SecretsOptions): Secrets {
  const keyring = runTool === undefined ? null : keyringOf(platform, runTool);
  let inMemory: SecretsFile = { schemaVersion: 1, secrets: {} };
  let problem: Problem | null = null;
  let changing: Promise<unknown> = Promise.resolve();
  const listeners = new Set<(name: SecretName) => void>();

  /** `toChange`: one that cannot be read (cut, or of a newer version) is set aside before it is replaced. */
  const read = async (toChange = false): Promise<SecretsFile> => {
    if (path === null) return inMemory;
    try {
      return secretsFile.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      // The file's content is never said: a parse error may quote it.
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code !== 'ENOENT') log.warn('The file of secrets cannot be read', {});
      if (code === null && toChange) await rename(path, `${path}.broken`).catch(() => undefined);
      return { schemaVersion: 1, secrets: {} };
    }
  };
  const write = async (file: SecretsFile): Promise<void> => {
    if (path === null) inMemory = file;
    else await writeFileAtomic(path, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  };

  /** Kept only when the keyring gives the same value back: some answer well and keep nothing. */
  const keepInKeyring = async (name: SecretName, value: string): Promise<boolean> => {
    if (keyring === null || path === null) return false;
    try {
      return (await keyring.store(name, value)) && (await keyring.lookup(name)) === value;
    } catch {
      return false;
    }
  };

  const change = async (name: SecretName, value: string | null): Promise<SecretStatus> => {
    const file = await read(true);
    const before = file.secrets[name];
    const secrets = { ...file.secrets };
    if (value === null || value === '') {
      if (before?.where === 'keyring') await keyring?.clear(name).catch(() => undefined);
      delete secrets[name];
      if (before !== undefined) await write({ ...file, secrets });
      log.info('A secret was removed', { name });
      return { name, set: false, where: before?.where ?? 'file' };
    }
    const inKeyring = await keepInKeyring(name, value);
    if (!inKeyring) problem = makeProblem('secrets.no_keyring', { path: path ?? 'memory' });
    secrets[name] = inKeyring ? { where: 'keyring' } : { where: 'file', value };
    await write({ ...file, secrets });
    log.info('A secret was set', { name, where: inKeyring ? 'keyring' : 'file' });
    return { name, set: true, where: inKeyring ? 'keyring' : 'file' };
  };

  return {
    async list() {
      const { secrets } = await read();
      const names = [...new Set<string>([...secretNames, ...Object.keys(secrets).filter(isSecretName)])];
      return names.map((name) => ({ name, set: secrets[name] !== undefined, where: secrets[name]?.where ?? (problem === null && keyring !== null ? 'keyring' : 'file') }));
    },
    set(name, value) {
      if (!isSecretName(name)) return Promise.reject(problemError('input.invalid', { detail: `There is no secret "${name}".` }));
      const done = changing.then(async () => {
        const status = await change(name, value);
        for (const listener of [...listeners]) listener(name);
        return status;
      });
      changing = done.catch(() => undefined);
      return done;
    },
    async get(name) {
      const stored = (await read()).secrets[name];
      if (stored === undefined) return null;
      if (stored.where === 'file') return stored.value;
      return (await keyring?.lookup(name).catch(() => null)) ?? null;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    problem: () => problem,
  };
}

interface Keyring {
  store(name: SecretName, value: string): Promise<boolean>;
  lookup(name: SecretName): Promise<string | null>;
  clear(name: SecretName): Promise<void>;
}

/** Values go over standard input, never on a command line, where other users could read them. */
function keyringOf(platform: NodeJS.Platform, runTool: RunTool): Keyring | null {
  if (platform === 'linux') {
    const attributes = (name: string): string[] => ['application', 'warpdeck', 'name', name];
    return {
      store: async (name, value) => (await runTool('secret-tool', ['store', '--label=Warpdeck', ...attributes(name)], value)).code === 0,
      lookup: async (name) => {
        const { code, stdout } = await runTool('secret-tool', ['lookup', ...attributes(name)], '');
        return code === 0 && stdout !== '' ? stdout.replace(/\n$/, '') : null;
      },
      clear: async (name) => void (await runTool('secret-tool', ['clear', ...attributes(name)], '')),
    };
  }
  if (platform === 'darwin') {
    const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    return {
      // `security -i` reads commands from standard input, one a line.
      store: async (name, value) => !value.includes('\n') && (await runTool('security', ['-i'], `add-generic-password -U -a warpdeck -s ${quote(`warpdeck ${name}`)} -w ${quote(value)}\n`)).code === 0,
      lookup: async (name) => {
        const { code, stdout } = await runTool('security', ['find-generic-password', '-a', 'warpdeck', '-s', `warpdeck ${name}`, '-w'], '');
        return code === 0 ? stdout.replace(/\n$/, '') : null;
      },
      clear: async (name) => void (await runTool('security', ['delete-generic-password', '-a', 'warpdeck', '-s', `warpdeck ${name}`], '')),
    };
  }
  return null;
}
