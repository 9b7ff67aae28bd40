import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { FoundEnvironment } from '../../../../contract/environments.ts';

/** Site-packages of real torch wheels with emptied libraries: native-workers/environment-probe/fixtures/torch. */
const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'torch');
export type TorchFixture = '1.13.1' | '2.4.1' | '2.8.0' | '2.11.0';

export interface FakePackage {
  readonly name: string;
  readonly version: string;
  readonly requires?: readonly string[];
  /** Relative to site-packages. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  /** Null: no INSTALLER. */
  readonly installer?: string | null;
  /** Instead of a METADATA made from the above. */
  readonly metadata?: string | Buffer;
  readonly directUrl?: unknown;
}

export interface FakeEnvironment {
  readonly prefix: string;
  /** Its site-packages. */
  readonly site: string;
  /** What the finder would say of it. */
  found(changes?: Partial<FoundEnvironment>): FoundEnvironment;
  /** Lays a package as pip would, RECORD with true sizes and hashes; answers its dist-info. */
  addPackage(fake: FakePackage, into?: string): string;
  /** A real torch of the fixtures with an `__init__.py`, as the given installer lays it; answers its dist-info. */
  addTorch(version: TorchFixture, options?: { installer?: string; into?: string }): string;
  /** A package of conda: the files below the prefix and its record in conda-meta. */
  addConda(fake: { name: string; version: string; build: string; files?: Readonly<Record<string, string>> }): string;
  /** conda's layout of torch: libraries in PREFIX/lib, links in torch/lib, records in conda-meta and a dist-info. */
  addCondaTorch(version: TorchFixture, build: string): void;
}

/** An environment's files without an interpreter: only the package layout is of interest. Nothing in it can be run. */
export function makeFakeEnvironment(root: string, options: { readonly name?: string; readonly python?: string; readonly kind?: FoundEnvironment['kind'] } = {}): FakeEnvironment {
  const name = options.name ?? 'environment';
  const python = options.python ?? '3.12';
  const prefix = join(root, name);
  const site = join(prefix, 'lib', `python${python}`, 'site-packages');
  mkdirSync(site, { recursive: true });

  const fake: FakeEnvironment = {
    prefix,
    site,
    found: (changes = {}) => ({
      id: createHash('sha256').update(prefix).digest('hex').slice(0, 12),
      name,
      kind: options.kind ?? 'venv',
      tool: 'pip',
      prefix,
      foundBy: ['a test'],
      python: { path: join(prefix, 'bin', 'python'), realPath: null, version: `${python}.0`, implementation: 'cpython', abi: `cp${python.replace('.', '')}`, freeThreaded: false },
      basePrefix: prefix,
      projectFolder: null,
      packageFolders: [site],
      sharesBasePackages: false,
      externallyManaged: false,
      ownerUid: null,
      place: null,
      changedAtMs: null,
      problems: [],
      ...changes,
    }),
    addPackage(one, into = site) {
      const info = join(into, `${one.name.replaceAll('-', '_')}-${one.version}.dist-info`);
      mkdirSync(info, { recursive: true });
      for (const [path, content] of Object.entries(one.files ?? {})) writeInto(join(into, path), content);
      writeFileSync(join(info, 'METADATA'), one.metadata ?? ['Metadata-Version: 2.1', `Name: ${one.name}`, `Version: ${one.version}`, ...(one.requires ?? []).map((text) => `Requires-Dist: ${text}`), '', 'A description.', ''].join('\n'));
      writeFileSync(join(info, 'WHEEL'), 'Wheel-Version: 1.0\nTag: py3-none-any\n');
      if (one.directUrl !== undefined) writeFileSync(join(info, 'direct_url.json'), JSON.stringify(one.directUrl));
      sealRecord(into, info, Object.keys(one.files ?? {}), one.installer === undefined ? 'pip' : one.installer);
      return info;
    },
    addTorch(version, { installer = 'pip', into = site } = {}) {
      cpSync(join(FIXTURES, version, 'torch'), join(into, 'torch'), { recursive: true });
      writeFileSync(join(into, 'torch', '__init__.py'), '# stands for the one of the wheel\n');
      const info = join(into, `torch-${version}.dist-info`);
      cpSync(join(FIXTURES, version, `torch-${version}.dist-info`), info, { recursive: true });
      sealRecord(into, info, listFiles(join(into, 'torch')).map((path) => `torch/${path}`), installer);
      return info;
    },
    addConda(one) {
      const paths = Object.entries(one.files ?? {}).map(([path, content]) => {
        writeInto(join(prefix, path), content);
        return { _path: path, path_type: 'hardlink', size_in_bytes: Buffer.byteLength(content), sha256: createHash('sha256').update(content).digest('hex') };
      });
      const record = join(prefix, 'conda-meta', `${one.name}-${one.version}-${one.build}.json`);
      writeInto(record, JSON.stringify({ name: one.name, version: one.version, build: one.build, files: paths.map((path) => path._path), paths_data: { paths_version: 1, paths } }));
      return record;
    },
    addCondaTorch(version, build) {
      fake.addTorch(version, { installer: 'conda' });
      const lib = join(site, 'torch', 'lib');
      for (const file of listFiles(lib)) {
        // conda-forge: libtorch is a package of its own in PREFIX/lib; torch/lib has links to it, or nothing.
        cpSync(join(lib, file), join(prefix, 'lib', file));
      }
      const links = listFiles(lib);
      for (const file of links) replaceByLink(join(lib, file), join(prefix, 'lib', file));
      fake.addConda({ name: 'libtorch', version, build });
      fake.addConda({ name: 'pytorch', version, build });
    },
  };
  return fake;
}

/** Writes INSTALLER and RECORD as pip does. */
function sealRecord(site: string, info: string, files: readonly string[], installer: string | null): void {
  if (installer !== null) writeFileSync(join(info, 'INSTALLER'), `${installer}\n`);
  const record = relative(site, join(info, 'RECORD'));
  const all = [...files, ...listFiles(info).map((path) => `${relative(site, info)}/${path}`)].filter((path) => path !== record);
  const lines = all.map((path) => {
    const content = readFileSync(join(site, path));
    return `${/[",]/.test(path) ? `"${path.replaceAll('"', '""')}"` : path},sha256=${createHash('sha256').update(content).digest('base64url')},${content.length}`;
  });
  writeFileSync(join(info, 'RECORD'), [...lines, `${record},,`, ''].join('\n'));
}

function writeInto(path: string, content: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function replaceByLink(path: string, target: string): void {
  unlinkSync(path);
  symlinkSync(relative(dirname(path), target), path);
}
