// `npm run test:wheels`: reads the device code of real PyTorch wheels and holds it against their own list, against the
// documented one (resources/data/pytorch-wheels.json) and, with `--import`, against what the imported torch answers.
// Wheels are kept in the user's cache (3 GB with the first run); `--if-warm` does nothing unless they are all there.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { continueOnNode24 } from './testing/on-node-24.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const LINUX = ['manylinux_2_28_x86_64', 'manylinux2014_x86_64', 'manylinux1_x86_64'];
/** An old one that is split, three of CUDA 12 and 13, and the CPU build of another platform. */
const WHEELS = [
  { version: '1.13.1', platforms: LINUX, table: 'linux_x86_64' },
  { version: '2.4.1', platforms: LINUX, table: 'linux_x86_64', imported: true },
  { version: '2.8.0', platforms: LINUX, table: 'linux_x86_64' },
  { version: '2.15.0', platforms: LINUX, table: 'linux_x86_64', imported: true },
  { version: '2.9.1', platforms: ['manylinux_2_28_aarch64'], table: 'linux_aarch64' },
];
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'warpdeck-tests', 'wheels');
const MOST_SHARE = 0.02;
const RUNS = 5;

const findWheel = ({ version, platforms }) => {
  const arch = platforms[0].endsWith('aarch64') ? 'aarch64' : 'x86_64';
  const name = existsSync(cache) ? readdirSync(cache).find((n) => n.startsWith(`torch-${version}-cp311-`) && n.endsWith(`${arch}.whl`)) : undefined;
  return name === undefined ? null : join(cache, name);
};

function download(wheel) {
  process.stderr.write(`Downloading torch ${wheel.version} (${wheel.table}) …\n`);
  mkdirSync(cache, { recursive: true });
  // Into a folder beside it: an interrupted download is no wheel.
  const partial = mkdtempSync(join(cache, 'partial-'));
  try {
    const platforms = wheel.platforms.flatMap((platform) => ['--platform', platform]);
    execFileSync('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '--implementation', 'cp', '--python-version', '3.11', ...platforms, '--dest', partial, `torch==${wheel.version}`], { stdio: ['ignore', 'ignore', 'inherit'] });
    for (const name of readdirSync(partial)) execFileSync('mv', [join(partial, name), join(cache, name)]);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Only what is read: the rest of a wheel is a gigabyte more. */
const EXTRACT = `import sys, zipfile, re
wheel = zipfile.ZipFile(sys.argv[1])
wanted = re.compile(r'torch/lib/(lib)?torch_(cuda\\w*|python)\\.(so|dll)|torch/version\\.py|torch-[^/]+\\.dist-info/(METADATA|WHEEL|RECORD)')
for name in wheel.namelist():
    if wanted.fullmatch(name): wheel.extract(name, sys.argv[2])`;

/** What the table says for a version and label, as torch lists it; null where it knows of no such CUDA build. */
function documented(tables, table, version, label) {
  if (label === null) return null;
  const parts = version.split('.');
  const build = [version, parts.slice(0, 2).join('.')].map((key) => tables[table]?.[key]?.[label]).find((found) => found !== undefined);
  if (build?.s === undefined) return null;
  return [...tables.lists[build.s].map((n) => `sm_${n}`), ...(build.p ?? []).map((n) => `compute_${n}`)];
}

const dropFromMemory = (folder) =>
  spawnSync('python3', ['-c', 'import os,sys\nfor n in os.listdir(sys.argv[1]):\n  f=os.open(os.path.join(sys.argv[1],n),os.O_RDONLY); os.fsync(f); os.posix_fadvise(f,0,0,os.POSIX_FADV_DONTNEED); os.close(f)', folder]).status === 0;

async function timed(action) {
  const started = performance.now();
  const value = await action();
  return { value, ms: performance.now() - started };
}
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Installs the wheel with all it needs into an environment of its own (some 5 GB) and asks the imported torch. */
async function importTorch(wheel, file, readTorchLibraries) {
  const folder = mkdtempSync(join(tmpdir(), 'warpdeck-wheels-import-'));
  try {
    process.stderr.write(`Installing torch ${wheel.version} to import it …\n`);
    execFileSync('python3', ['-m', 'venv', folder]);
    const python = join(folder, 'bin/python');
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-compile', file, 'numpy<2.3'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const ask = () => execFileSync(python, ['-I', '-c', 'import torch; torch.cuda.get_arch_list(); print(torch._C._cuda_getArchFlags() or "")'], { encoding: 'utf8', env: { ...process.env, PYTHONWARNINGS: 'ignore' } }).trim();
    const first = await timed(ask);
    const times = [];
    for (let i = 0; i < 3; i++) times.push((await timed(ask)).ms);
    const torch = join(folder, 'lib', readdirSync(join(folder, 'lib')).find((n) => n.startsWith('python')) ?? '', 'site-packages/torch');
    const own = [];
    for (let i = 0; i < RUNS; i++) own.push((await timed(() => readTorchLibraries(torch))).ms);
    return { flags: first.value === '' ? null : first.value.split(' '), importMs: median(times), firstImportMs: first.ms, readMs: median(own) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkWheel(wheel, tables, { readTorchLibraries, decideTorchArchList }, withImport) {
  const file = findWheel(wheel);
  const folder = mkdtempSync(join(tmpdir(), 'warpdeck-wheels-'));
  try {
    execFileSync('python3', ['-c', EXTRACT, file, folder]);
    const torch = join(folder, 'torch');
    const text = readFileSync(join(torch, 'version.py'), 'utf8');
    const full = /__version__ = '([^']+)'/.exec(text)?.[1] ?? '';
    // Only a CUDA build names its CUDA version there; metadata and label are no evidence.
    const isCuda = /^cuda(?:: [^=]+)? = '/m.test(text);
    const label = isCuda ? (full.split('+')[1] ?? null) : null;
    const dropped = dropFromMemory(join(torch, 'lib'));
    const cold = await timed(() => readTorchLibraries(torch));
    const warm = [];
    for (let i = 0; i < RUNS; i++) warm.push((await timed(() => readTorchLibraries(torch))).ms);
    const read = cold.value;
    const main = read.libraries.filter((library) => !library.path.includes('linalg'));
    const bytes = [...read.libraries.map((library) => library.sizeBytes), ...(read.flagsFile === null ? [] : [statSync(join(folder, read.flagsFile)).size])].reduce((a, b) => a + b, 0);
    const census = decideTorchArchList(read.libraries);
    const expected = documented(tables, wheel.table, wheel.version, label);
    const imported = withImport && wheel.imported === true ? await importTorch(wheel, file, readTorchLibraries) : null;
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const checks = [
      [isCuda ? 'the flags are found' : 'a CPU build has no flags', (read.flags !== null) === isCuda],
      ['flags and majority of the device code agree', same(read.flags, census)],
      ['both are what is documented', same(read.flags, expected)],
      ['nothing was wrong with the files', read.troubles.length === 0],
      ['of no library of a megabyte or more is a fiftieth read', read.libraries.every((library) => library.sizeBytes < 1024 ** 2 || library.bytesRead <= library.sizeBytes * MOST_SHARE)],
      ...(imported === null ? [] : [['the imported torch answers the same', same(read.flags, imported.flags)]]),
    ];
    const row = {
      torch: full, 'main MB': Math.round(main.reduce((a, library) => a + library.sizeBytes, 0) / 1e6), 'read kB': Math.round(read.bytesRead / 1e3), 'share %': bytes === 0 ? '' : ((100 * read.bytesRead) / bytes).toFixed(2),
      'cold ms': dropped ? Math.round(cold.ms) : '', 'warm ms': median(warm).toFixed(1), flags: read.flags?.join(' ').replaceAll('sm_', '') ?? '-', 'flags=census': same(read.flags, census) ? 'yes' : `no: ${census?.join(' ')}`,
      ...(imported === null ? {} : { 'import ms': Math.round(imported.importMs), 'first import ms': Math.round(imported.firstImportMs) }),
    };
    return { row, wrong: checks.filter(([, good]) => !good).map(([what]) => `torch ${full}: not so: ${what}.${read.troubles.map((trouble) => `\n    ${trouble}`).join('')}`), passed: checks.filter(([, good]) => good).length };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** For `npm test`: `--json FILE`. */
function report(args, tally) {
  const at = args.indexOf('--json');
  if (at >= 0) writeFileSync(args[at + 1], JSON.stringify(tally));
}

async function main(args) {
  await continueOnNode24({ root, script: fileURLToPath(import.meta.url) });
  if (args.includes('--if-warm') && WHEELS.some((wheel) => findWheel(wheel) === null)) {
    process.stdout.write('skipped: the real wheels are not in the cache; npm run test:wheels downloads them (3 GB).\n');
    report(args, { passed: 0, failed: 0, skipped: WHEELS.length, failures: [] });
    return 0;
  }
  const library = new URL('../native-workers/environment-probe/library/', import.meta.url);
  const { readTorchLibraries } = await import(new URL('read-torch-libraries.ts', library));
  const { decideTorchArchList } = await import(new URL('decide-arch-list.ts', library));
  const tables = JSON.parse(readFileSync(join(root, 'resources/data/pytorch-wheels.json'), 'utf8'));
  let [passed, failed] = [0, 0];
  const rows = [];
  const failures = [];
  for (const wheel of WHEELS) {
    try {
      if (findWheel(wheel) === null) download(wheel);
      const result = await checkWheel(wheel, tables, { readTorchLibraries, decideTorchArchList }, args.includes('--import'));
      passed += result.passed;
      failed += result.wrong.length;
      rows.push(result.row);
      failures.push(...result.wrong);
      for (const text of result.wrong) process.stdout.write(`${text}\n`);
    } catch (error) {
      failed++;
      failures.push(`torch ${wheel.version}: ${error.message}`);
      process.stdout.write(`torch ${wheel.version}: ${error.message}\n`);
    }
  }
  console.table(rows);
  report(args, { passed, failed, skipped: 0, failures });
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
