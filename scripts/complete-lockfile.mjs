// Makes package-lock.json usable by `npm ci` on every platform and checks that it names no registry.
//
// npm drops optional packages of *other* platforms from the lock when the registry it was made with lacks
// them, and `npm ci` then calls the lock out of sync. This adds such entries (npm keeps them), corrects the
// `cpu` of packages that declare more than they run on, and switches off what the product decided not to ship.
//
// Use: node scripts/complete-lockfile.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const check = process.argv.includes('--check');
const before = readFileSync(path, 'utf8');
const lock = JSON.parse(before);
const packages = lock.packages;

/** Platform words inside package names, as npm's `os` and `cpu` spell them. */
const OS = { linux: 'linux', linuxmusl: 'linux', win: 'win32', win32: 'win32', windows: 'win32', mac: 'darwin', darwin: 'darwin', macos: 'darwin', freebsd: 'freebsd', openbsd: 'openbsd', netbsd: 'netbsd', android: 'android', sunos: 'sunos', aix: 'aix', openharmony: 'openharmony' };
const CPU = { x64: 'x64', arm64: 'arm64', arm: 'arm', armv7l: 'arm', ia32: 'ia32', x86: 'ia32', riscv64: 'riscv64', riscv64d: 'riscv64', ppc64: 'ppc64', s390x: 's390x', loong64: 'loong64', mips64el: 'mips64el', wasm32: 'wasm32' };

function platformOf(name) {
  const words = name.replace(/^@[^/]+\//, '').split(/[-_.]/);
  const os = words.map((w) => OS[w]).find(Boolean);
  const cpu = words.map((w) => CPU[w]).find(Boolean);
  return { ...(os ? { os: [os] } : {}), ...(cpu ? { cpu: [cpu] } : {}) };
}

/** Where Node would look for `name` from the package at `from`: nested first, then upwards. */
function resolves(from, name) {
  let base = from;
  for (;;) {
    const candidate = `${base ? `${base}/` : ''}node_modules/${name}`;
    if (packages[candidate]) return true;
    if (!base) return false;
    const cut = base.lastIndexOf('node_modules/');
    base = cut <= 0 ? '' : base.slice(0, cut - 1);
  }
}

const added = [];
const fixed = [];
for (const [where, entry] of Object.entries({ ...packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolves(where, name)) continue;
    packages[`node_modules/${name}`] = {
      version: version.replace(/^[\^~]/, ''),
      ...platformOf(name),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
    };
    added.push(name);
  }
}
for (const [where, entry] of Object.entries(packages)) {
  const name = where.slice(where.lastIndexOf('node_modules/') + 'node_modules/'.length);
  if (!name.startsWith('@node-llama-cpp/')) continue;
  // 375 MB for CUDA 12 runtimes beside the CUDA 13 build; left out by decision (DECISIONS.md).
  const cpu = name.endsWith('-cuda-ext') ? ['none'] : platformOf(name).cpu;
  if (cpu && JSON.stringify(entry.cpu) !== JSON.stringify(cpu)) {
    entry.cpu = cpu;
    fixed.push(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
const after = `${JSON.stringify(lock, null, 2)}\n`;
const registries = [...after.matchAll(/"resolved": "https?:/g)].length;

if (registries > 0) {
  console.error(`package-lock.json names a registry ${registries} times; run npm install with the repository's .npmrc.`);
  process.exit(1);
}
if (check) {
  if (after !== before) {
    console.error(`package-lock.json is incomplete: ${added.join(', ') || fixed.join(', ') || 'order'}. Run: node scripts/complete-lockfile.mjs`);
    process.exit(1);
  }
} else {
  writeFileSync(path, after);
  console.error(`package-lock.json: ${added.length} entries added, ${fixed.length} corrected.`);
}
