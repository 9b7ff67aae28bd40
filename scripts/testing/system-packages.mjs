// What the tests need from the system: a browser, a display without a screen, a C compiler for the test driver, Python.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What has to be there, the Debian package that brings it, and how it is recognised. */
export const needs = [
  { what: 'Chromium', debian: 'chromium', programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'] },
  { what: 'Xvfb', debian: 'xvfb', programs: ['Xvfb'] },
  { what: 'xauth', debian: 'xauth', programs: ['xauth'] },
  { what: 'GTK 3', debian: 'libgtk-3-0', library: 'libgtk-3.so.0' },
  { what: 'NSS', debian: 'libnss3', library: 'libnss3.so' },
  { what: 'ALSA', debian: 'libasound2', library: 'libasound.so.2' },
  { what: 'GBM', debian: 'libgbm1', library: 'libgbm.so.1' },
  { what: 'a C compiler (gcc)', debian: 'gcc', programs: ['gcc'] },
  { what: 'the headers of the C library', debian: 'libc6-dev', file: '/usr/include/stdio.h' },
  { what: 'Python 3 that can make environments', debian: 'python3-venv', module: 'ensurepip' },
  { what: 'pip', debian: 'python3-pip', module: 'pip' },
];

/** Which of `needs` are missing, given how to look. Pure. */
export function decideMissing({ hasProgram, libraries, hasFile, hasModule }) {
  return needs.filter((need) => {
    if (need.programs) return !need.programs.some(hasProgram);
    if (need.library) return !libraries.includes(need.library);
    if (need.module) return !hasModule(need.module);
    return !hasFile(need.file);
  });
}

/** What can be done about it: `install` as Debian's root, else words that name it exactly. Pure. */
export function decideInstall({ missing, platform, isDebian, isRoot }) {
  if (missing.length === 0 || platform !== 'linux') return { install: [], advice: null };
  const names = missing.map((need) => need.debian);
  const list = missing.map((need) => need.what).join(', ');
  if (isDebian && isRoot) return { install: names, advice: null };
  if (isDebian) return { install: [], advice: `Missing for the tests: ${list}. Install with: sudo apt-get install ${names.join(' ')}` };
  return { install: [], advice: `Missing for the tests: ${list} (on Debian the packages ${names.join(' ')}).` };
}

function readMissing() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const cache = ['ldconfig', '/sbin/ldconfig'].map((program) => spawnSync(program, ['-p'], { encoding: 'utf8' }).stdout ?? '').find((text) => text !== '') ?? '';
  return decideMissing({
    hasProgram: (name) => folders.some((folder) => folder !== '' && existsSync(join(folder, name))),
    libraries: [...cache.matchAll(/^\s*(\S+) \(/gm)].map(([, name]) => name),
    hasFile: existsSync,
    hasModule: (name) => spawnSync('python3', ['-c', `import ${name}`], { stdio: 'ignore' }).status === 0,
  });
}

/**
 * Installs what is missing where that is allowed. @returns {Promise<string[]>} what is wrong afterwards, empty if nothing
 */
export async function ensureSystemPackages({ log, run, platform = process.platform }) {
  if (platform !== 'linux') return [];
  const isDebian = existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
  const { install, advice } = decideInstall({ missing: readMissing(), platform, isDebian, isRoot: process.getuid?.() === 0 });
  if (advice !== null) return [advice];
  if (install.length === 0) return [];
  log(`Installing from Debian: ${install.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run({ program: 'apt-get', args: ['update', '-qq'], env });
  const { exitCode, tail } = await run({ program: 'apt-get', args: ['install', '-y', '-qq', '--no-install-recommends', ...install], env });
  const left = readMissing();
  if (left.length === 0) return [];
  return [`${decideInstall({ missing: left, platform, isDebian, isRoot: false }).advice} (apt-get ended with ${exitCode}: ${tail.split('\n').slice(-5).join(' ')})`];
}

