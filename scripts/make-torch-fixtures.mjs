// `node scripts/make-torch-fixtures.mjs SITE-PACKAGES [OUT]`: makes the header-only fixtures of
// native-workers/environment-probe/fixtures/torch out of an installed torch. Each library is reduced to what a census
// reads: the real headers of its device code with payload sizes set to 0 and payloads left out, and the constants
// around its architecture list. Counts by itself, without the code under test, and writes what it counted beside it.
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CODE_SECTIONS = ['.nv_fatbin', '__nv_relfatbin'];
/** Holds further containers in torch 2.15, and nothing else. */
const ELSEWHERE = '.lrodata';
/** Of the main library of torch 2 every second container: it is large enough so. Rare architectures stay. */
const thinning = (name, version) => (name === 'libtorch_cuda.so' && !version.startsWith('1.') ? 2 : 1);
const token = '(?:sm|compute)_[0-9]{2,3}[af]?';
const constants = new RegExp(`${token}(?: ${token})*\\0|-gencode;arch=compute_[-;=,_a-z0-9]+\\0?`, 'g');
const CONTEXT_BEFORE = 64;
const CONTEXT_AFTER = 16;

/** An ELF library's sections: name, offset, size. */
function readSections(read) {
  const header = read(0, 64);
  if (header.toString('latin1', 0, 4) !== '\x7fELF') throw new Error('not an ELF library');
  const [at, count, namesIndex] = [Number(header.readBigUInt64LE(40)), header.readUInt16LE(60), header.readUInt16LE(62)];
  const rows = Array.from({ length: count }, (_, i) => read(at + i * 64, 64));
  const place = (row) => ({ offset: Number(row.readBigUInt64LE(24)), size: Number(row.readBigUInt64LE(32)) });
  const names = read(place(rows[namesIndex]).offset, place(rows[namesIndex]).size).toString('latin1');
  return rows.map((row) => ({ name: names.slice(row.readUInt32LE(0), names.indexOf('\0', row.readUInt32LE(0))), type: row.readUInt32LE(4), ...place(row) }));
}

/** The containers of a section as lists of entry headers. Ends with an error where the format is not as known. */
function readContainers(read, section) {
  const containers = [];
  for (let at = 0; at < section.size; ) {
    const head = read(section.offset + at, 16);
    if (head.readUInt32LE(0) === 0) {
      at += 8;
      continue;
    }
    if (head.readUInt32LE(0) !== 0xba55ed50) throw new Error(`no container at ${at} of ${section.name}`);
    const end = at + 16 + Number(head.readBigUInt64LE(8));
    const entries = [];
    for (at += 16; at < end; ) {
      const size = read(section.offset + at, 64).readUInt32LE(4);
      const entry = Buffer.from(read(section.offset + at, size));
      at += size + Number(entry.readBigUInt64LE(8));
      entry.writeBigUInt64LE(0n, 8);
      entries.push(entry);
    }
    if (at !== end) throw new Error(`a container of ${section.name} does not end where it says`);
    containers.push({ head, entries });
  }
  return containers;
}

function nameOf(entry) {
  const flags = entry.readUInt32LE(40);
  const kind = entry.readUInt16LE(0);
  return kind > 2 ? null : `${kind === 1 ? 'compute' : 'sm'}_${entry.readUInt32LE(28)}${flags & 0x100000 ? 'a' : flags & 0x200000 ? 'f' : ''}`;
}

function countCode(containers) {
  const census = { containers: containers.length, entries: 0, per_arch: {}, containers_per_arch: {}, ptx_isa: {} };
  for (const { entries } of containers) {
    const names = entries.map(nameOf);
    census.entries += entries.length;
    for (const name of names) if (name !== null) census.per_arch[name] = (census.per_arch[name] ?? 0) + 1;
    for (const name of new Set(names)) if (name !== null) census.containers_per_arch[name] = (census.containers_per_arch[name] ?? 0) + 1;
    for (const entry of entries.filter((e) => e.readUInt16LE(0) === 1)) census.ptx_isa[`${nameOf(entry)} ${entry.readUInt16LE(26)}.${entry.readUInt16LE(24)}`] = true;
  }
  return census;
}

/** Every `step`-th container, and one for each architecture that would be lost. */
function thin(containers, step) {
  const kept = new Set(containers.keys().filter((i) => i % step === 0));
  const seen = new Set([...kept].flatMap((i) => containers[i].entries.map(nameOf)));
  for (const [i, { entries }] of containers.entries()) {
    if (kept.has(i) || entries.every((entry) => seen.has(nameOf(entry)))) continue;
    kept.add(i);
    for (const entry of entries) seen.add(nameOf(entry));
  }
  return containers.filter((_, i) => kept.has(i));
}

const writeContainers = (containers) =>
  Buffer.concat(
    containers.flatMap(({ head, entries }) => {
      const body = Buffer.concat(entries);
      const own = Buffer.from(head);
      own.writeBigUInt64LE(BigInt(body.length), 8);
      return [own, body, Buffer.alloc((8 - (body.length % 8)) % 8)];
    }),
  );

function writeElf(machine, sections) {
  const all = [...sections, { name: '.shstrtab', type: 3, bytes: Buffer.from(`\0${[...sections.map((s) => s.name), '.shstrtab'].join('\0')}\0`, 'latin1') }];
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 3]).copy(header);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(all.length + 1, 60);
  header.writeUInt16LE(all.length, 62);
  const table = Buffer.alloc(64 * (all.length + 1));
  const parts = [header];
  let [offset, name] = [64, 1];
  for (const [i, section] of all.entries()) {
    const row = table.subarray(64 * (i + 1));
    row.writeUInt32LE(name, 0);
    row.writeUInt32LE(section.type ?? 1, 4);
    row.writeBigUInt64LE(2n, 8);
    row.writeBigUInt64LE(BigInt(offset), 24);
    row.writeBigUInt64LE(BigInt(section.bytes.length), 32);
    row.writeBigUInt64LE(8n, 48);
    parts.push(section.bytes, Buffer.alloc((8 - (section.bytes.length % 8)) % 8));
    offset += section.bytes.length + parts.at(-1).length;
    name += section.name.length + 1;
  }
  header.writeBigUInt64LE(BigInt(offset), 40);
  return Buffer.concat([...parts, table]);
}

/** Of the constants only what surrounds lists of architectures. */
function readConstants(read, sections) {
  const parts = sections
    .filter((section) => section.name === '.rodata')
    .flatMap((section) => {
      const bytes = read(section.offset, section.size);
      return [...bytes.toString('latin1').matchAll(constants)].map((match) => bytes.subarray(Math.max(0, match.index - CONTEXT_BEFORE), match.index + match[0].length + CONTEXT_AFTER));
    });
  return Buffer.concat(parts);
}

function reduceLibrary(path, version) {
  const fd = openSync(path, 'r');
  const read = (offset, length) => {
    const bytes = Buffer.alloc(length);
    if (readSync(fd, bytes, 0, length, offset) !== length) throw new Error(`${path} ends at ${offset}`);
    return bytes;
  };
  try {
    const sections = readSections(read);
    const step = thinning(basename(path), version);
    const hasCode = (section) => CODE_SECTIONS.includes(section.name) || (section.name === ELSEWHERE && read(section.offset, 4).readUInt32LE(0) === 0xba55ed50);
    const code = sections.filter(hasCode).map((section) => ({ name: section.name, all: readContainers(read, section) }));
    const kept = code.map(({ name, all }) => ({ name, containers: thin(all, step) }));
    const text = readConstants(read, sections);
    const bytes = writeElf(read(18, 2).readUInt16LE(0), [
      ...kept.map(({ name, containers }) => ({ name, bytes: writeContainers(containers) })),
      ...(text.length > 0 ? [{ name: '.rodata', bytes: text }] : []),
    ]);
    const count = (parts) => (parts.length === 0 ? null : countCode(parts.flatMap((part) => part.containers ?? part.all)));
    const census = (parts) => ({ census: count(parts.filter((part) => part.name !== ELSEWHERE)), elsewhere: count(parts.filter((part) => part.name === ELSEWHERE)) });
    const expected = {
      small: { size: bytes.length, ...census(kept) },
      step,
      small_sha256: createHash('sha256').update(bytes).digest('hex'),
      original_size: statSync(path).size,
      original: census(code),
    };
    const lists = [...text.toString('latin1').matchAll(new RegExp(`${token}(?: ${token})*(?=\\0)`, 'g'))].map((match) => match[0].split(' '));
    return { bytes, expected, lists };
  } finally {
    closeSync(fd);
  }
}

const site = process.argv[2];
if (site === undefined || !existsSync(join(site, 'torch/version.py'))) {
  process.stderr.write('Give the package folder of an environment with torch: node scripts/make-torch-fixtures.mjs …/lib/python3.11/site-packages\n');
  process.exit(2);
}
const label = /__version__ = '([^']+)'/.exec(readFileSync(join(site, 'torch/version.py'), 'utf8'))?.[1] ?? 'unknown';
const version = label.replace(/\+.*$/, '');
const out = process.argv[3] ?? fileURLToPath(new URL(`../native-workers/environment-probe/fixtures/torch/${version}`, import.meta.url));
const put = (path, content) => {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  writeFileSync(join(out, path), content);
};
const result = { source: `site-packages of torch ${label}`, libs: {}, note: "payloads removed; entry payload-size fields zeroed; container sizes recomputed; containers thinned by 'step' in the small library; full census in 'original'", arch_list: null };
for (const name of readdirSync(join(site, 'torch/lib')).filter((n) => /^libtorch_(cuda.*|python|nvshmem)\.so$/.test(n)).sort()) {
  const { bytes, expected, lists } = reduceLibrary(join(site, 'torch/lib', name), version);
  if (expected.small.census === null && lists.length === 0) continue;
  put(`torch/lib/${name}`, bytes);
  result.libs[`torch/lib/${name}`] = expected;
  if (name === 'libtorch_python.so') result.arch_list = lists.sort((a, b) => b.length - a.length)[0] ?? null;
  process.stdout.write(`${name}: ${expected.original_size} to ${bytes.length} bytes\n`);
}
put('torch/version.py', readFileSync(join(site, 'torch/version.py')));
const info = `torch-${version}.dist-info`;
for (const file of ['METADATA', 'WHEEL']) {
  const own = [info, `torch-${label}.dist-info`].map((folder) => join(site, folder, file)).find(existsSync);
  // Without the description, which is a page of prose.
  if (own !== undefined) put(`${info}/${file}`, `${readFileSync(own, 'utf8').split('\n\n')[0].trimEnd()}\n`);
}
put('expected.json', `${JSON.stringify(result, null, 1)}\n`);
process.stdout.write(`${out}: ${result.arch_list?.join(' ') ?? 'no architectures'}\n`);
