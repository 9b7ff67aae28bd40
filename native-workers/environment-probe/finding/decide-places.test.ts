// What is decided from text alone, for systems that this test does not run on as well.
import { describe, expect, it } from 'vitest';
import { decideFolder } from './decide-folder.ts';
import { decideStorePythons } from './decide-store-pythons.ts';
import { decodeWslList } from './decode-wsl-list.ts';
import { decidePlace } from './identify/decide-place.ts';
import { decideVersion, parsePatchlevel, type VersionEvidence } from './identify/decide-version.ts';
import { decideSiteFolders, decideUserSite, parsePortablePath, type Layout } from './identify/package-folders.ts';
import { parsePyvenvConfig } from './identify/parse-pyvenv-config.ts';
import { parseHistoryTool, parsePixiManifest } from './identify/read-conda-marks.ts';
import { projectHash } from './identify/project-of-environment.ts';
import { isWindowsDrive, parseSkippedMounts } from './mounts.ts';
import { parseCondarc } from './parse-condarc.ts';
import { parseKernel } from './parse-kernel.ts';
import { parseRegistryPythons } from './parse-registry.ts';
import { makePlaces } from './places.ts';

describe('Windows', () => {
  it('the registry as reg.exe prints it, with a translated name of the default value', () => {
    const text = [
      '', 'HKEY_CURRENT_USER\\Software\\Python\\PythonCore', '    DisplayName    REG_SZ    Python Software Foundation', '',
      'HKEY_CURRENT_USER\\Software\\Python\\PythonCore\\3.12', '    DisplayName    REG_SZ    Python 3.12 (64-bit)', '    SysVersion    REG_SZ    3.12', '',
      'HKEY_CURRENT_USER\\Software\\Python\\PythonCore\\3.12\\InstallPath', '    (Standard)    REG_SZ    C:\\Users\\Zoë\\AppData\\Local\\Programs\\Python\\Python312\\',
      '    ExecutablePath    REG_SZ    C:\\Users\\Zoë\\AppData\\Local\\Programs\\Python\\Python312\\python.exe', '    WindowedExecutablePath    REG_SZ    C:\\x\\pythonw.exe', '',
      'HKEY_LOCAL_MACHINE\\Software\\WOW6432Node\\Python\\PythonCore\\3.9-32\\InstallPath', '    (Default)    REG_SZ    C:\\Program Files (x86)\\Python39-32\\', '',
      'HKEY_LOCAL_MACHINE\\SOFTWARE\\Python\\ContinuumAnalytics\\Anaconda39-64\\InstallPath', '    (Default)    REG_SZ    D:\\conda', '',
      'HKEY_LOCAL_MACHINE\\SOFTWARE\\Python\\PyLauncher\\x\\InstallPath', '    (Default)    REG_SZ    C:\\Windows\\', '',
      'HKEY_LOCAL_MACHINE\\SOFTWARE\\Python\\Odd\\1\\InstallPath', '    (Default)    REG_SZ    \\\\server\\share', '    ExecutablePath    REG_DWORD    0x1',
    ].join('\r\n');
    expect(parseRegistryPythons(text)).toEqual([
      { company: 'PythonCore', tag: '3.12', prefix: 'C:\\Users\\Zoë\\AppData\\Local\\Programs\\Python\\Python312' },
      { company: 'PythonCore', tag: '3.9-32', prefix: 'C:\\Program Files (x86)\\Python39-32' },
      { company: 'ContinuumAnalytics', tag: 'Anaconda39-64', prefix: 'D:\\conda' },
    ]);
    expect(parseRegistryPythons('ERROR: The system was unable to find the specified registry key or value.')).toEqual([]);
  });

  it('the distributions as wsl.exe prints them: UTF-16LE that was taken for UTF-8', () => {
    const printed = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Ubuntu-24.04\r\nDebian\r\ndocker-desktop\r\n..\\..\\evil\r\n', 'utf16le')]).toString('utf8');
    expect(decodeWslList(printed)).toEqual(['Ubuntu-24.04', 'Debian']);
    expect(decodeWslList('Ubuntu\n')).toEqual(['Ubuntu']);
    expect(decodeWslList('')).toEqual([]);
  });

  it('the Store, by the folders of its aliases', () => {
    expect(decideStorePythons(['python3.exe', 'PythonSoftwareFoundation.Python.3.12_qbz5n2kfra8p0', 'Microsoft.WindowsTerminal_8wekyb3d8bbwe'], 'C:\\W', 'C:\\L')).toMatchObject([
      { prefix: 'C:\\W\\PythonSoftwareFoundation.Python.3.12_qbz5n2kfra8p0', kind: 'store', variant: '3.12', packageFolders: ['C:\\L\\Packages\\PythonSoftwareFoundation.Python.3.12_qbz5n2kfra8p0\\LocalCache\\local-packages\\Python312\\site-packages'] },
    ]);
  });

  it('drives of Windows in WSL, and mounts of other machines', () => {
    const mounts = parseSkippedMounts([
      '25 1 8:1 / / rw - ext4 /dev/sda1 rw', '26 25 0:5 / /proc rw - proc proc rw', '30 25 0:40 / /mnt/my\\040share rw shared:1 - nfs4 server:/x rw', '31 25 0:41 / /home/u/remote rw - fuse.sshfs u@h: rw',
      '32 25 0:42 / /media/disk rw - fuseblk /dev/sdb1 rw', '33 25 0:43 / /over rw - cifs //a/b rw', '34 33 8:2 / /over rw - ext4 /dev/sdc1 rw', 'garbage',
    ].join('\n'));
    expect([...mounts]).toEqual([['/proc', 'system'], ['/mnt/my share', 'network'], ['/home/u/remote', 'network']]);
    expect(['/mnt/c', '/mnt/data', '/mnt/c/x'].map(isWindowsDrive)).toEqual([true, false, false]);
  });
});

describe('versions', () => {
  const none: VersionEvidence = { chain: [], configVersion: null, condaVersion: null, headerVersion: null, pypyVersion: null, libraryMinors: [], pypyLibrary: false, folderName: '', windowsDigits: null };
  it.each<[string, Partial<VersionEvidence>, string]>([
    ['the interpreter goes before pyvenv.cfg', { chain: ['/v/bin/python', '/usr/bin/python3.12'], configVersion: '3.11.4', libraryMinors: ['3.11'] }, '3.12 3.12 cp312'],
    ['a newer patch of the base goes before pyvenv.cfg', { chain: ['/usr/bin/python3.12'], configVersion: '3.12.1', headerVersion: '3.12.7' }, '3.12.7 3.12 cp312'],
    ['free-threaded by its program', { chain: ['/x/bin/python3.14t'], headerVersion: '3.14.0' }, '3.14.0 3.14 cp314t'],
    ['free-threaded by its folder', { folderName: 'cpython-3.13.2+freethreaded-linux-x86_64-gnu', libraryMinors: ['3.13t'] }, '3.13.2 3.13 cp313t'],
    ['a beta', { headerVersion: '3.15.0b2' }, '3.15.0b2 3.15 cp315'],
    ['PyPy', { chain: ['/p/bin/pypy3.10'], pypyLibrary: true, headerVersion: '3.10.14', pypyVersion: '7.3.17' }, '3.10.14 3.10 pypy310_pp73'],
    ['PyPy by its folder', { folderName: 'pypy3.9-7.3.11' }, '3.9 3.9 pypy39_pp73'],
    ['embedded', { windowsDigits: '312' }, '3.12 3.12 cp312'],
    ['pyenv', { folderName: '3.8.18', libraryMinors: ['3.8'] }, '3.8.18 3.8 cp38'],
    ['nothing known', {}, 'null null null'],
  ])('%s', (_, evidence, expected) => {
    const { version, minor, abi } = decideVersion({ ...none, ...evidence });
    expect(`${version} ${minor} ${abi}`).toBe(expected);
  });
  it('patchlevel.h', () => {
    expect(parsePatchlevel('#define PY_MAJOR_VERSION 3\n#define PY_VERSION      \t"3.14.0a3+"\n/* PyPy version as a string */\n#define PYPY_VERSION "7.3.12"\n')).toEqual({ version: '3.14.0a3', pypyVersion: '7.3.12' });
  });
});

describe('files of tools', () => {
  it('.condarc in both list styles', () => {
    const variable = (name: string): string | null => (name === 'BIG' ? '/big' : null);
    expect(parseCondarc('envs_dirs:\n  - ~/envs # mine\n- "$BIG/envs"\n  - relative\n  - ${NONE}/x\npkgs_dirs:\n  - /pkgs\n', '/home/u', variable)).toEqual(['/home/u/envs', '/big/envs']);
    expect(parseCondarc("channels: [a, b]\nenvs_dirs: ['/a', /b]\n", '/home/u', variable)).toEqual(['/a', '/b']);
    expect(parseCondarc('\0\xff{{{', '/', variable)).toEqual([]);
  });
  it('history of conda, manifest of pixi, kernels of Jupyter', () => {
    expect(['# cmd: /opt/conda/bin/mamba create -n x', '# cmd: "C:\\Program Files\\conda\\Scripts\\conda-script.py" create', '==> x <==\n# cmd: micromamba env create', '# cmd: rm -rf'].map(parseHistoryTool)).toEqual(['mamba', 'conda', 'micromamba', null]);
    expect(['{"manifest_path":"/p/pixi.toml"}', '{"manifest_path":"p"}', '{"manifest_path":3}', '[', 'null'].map(parsePixiManifest)).toEqual(['/p/pixi.toml', null, null, null, null]);
    expect(['{"argv":["/e/bin/python3.12","-m"]}', '{"argv":["C:\\\\e\\\\python.exe"]}', '{"argv":["/usr/bin/R"]}', '{"argv":[]}', '{"argv":{"0":1}}', '7', '"'].map(parseKernel)).toEqual(['/e/bin/python3.12', 'C:\\e\\python.exe', null, null, null, null, null]);
  });
  it('pyvenv.cfg of the three makers', () => {
    const parse = (text: string): unknown => parsePyvenvConfig(Buffer.from(text));
    expect(parse('home = /usr/bin\ninclude-system-site-packages = True\nversion = 3.11.2\nexecutable = /usr/bin/python3.11\ncommand = /usr/bin/python3 -m venv /x=y\n')).toEqual({ home: '/usr/bin', version: '3.11.2', includesSystem: true, prompt: null, basePrefix: null, madeBy: 'venv' });
    expect(parse("home = /b\r\nimplementation = CPython\r\nuv = 0.9.1\r\nversion_info = 3.13.0\r\nprompt = 'chat'\r\n")).toMatchObject({ madeBy: 'uv', version: '3.13.0', prompt: 'chat' });
    expect(parse('home=/b\nvirtualenv=20.31\nversion_info=3.12.3.final.0\nbase-prefix=/usr\n')).toMatchObject({ madeBy: 'virtualenv', version: '3.12.3', basePrefix: '/usr' });
  });
  it('a ._pth: never a folder outside', () => {
    expect(parsePortablePath('python312.zip\r\n.\r\n../ComfyUI\r\nC:\\evil\r\n/etc\r\nLib\\site-packages\r\n# import site\r\n')).toEqual({ site: false, folders: ['.', 'Lib/site-packages'] });
    expect(parsePortablePath('import site').site).toBe(true);
  });
  it('the hash in the names of poetry and hatch, as their own code makes it', () => {
    // base64.urlsafe_b64encode(hashlib.sha256(b"/home/u/projects/verse").digest())[:8]
    expect(projectHash('/home/u/projects/verse')).toBe('si1MMtTv');
  });
});

describe('folders', () => {
  const layout: Layout = { prefix: '/usr', platform: 'linux', implementation: 'cpython', libraryName: '3.12', windows: false, installation: true, debian: false, lib64First: false };
  it.each<[string, Partial<Layout>, string[]]>([
    ['Debian', { debian: true }, ['/usr/local/lib/python3.12/dist-packages', '/usr/lib/python3/dist-packages', '/usr/lib/python3.12/dist-packages']],
    ['Fedora', { lib64First: true }, ['/usr/local/lib64/python3.12/site-packages', '/usr/local/lib/python3.12/site-packages', '/usr/lib64/python3.12/site-packages', '/usr/lib/python3.12/site-packages']],
    ['a venv', { prefix: '/v', installation: false }, ['/v/lib/python3.12/site-packages', '/v/lib64/python3.12/site-packages']],
    ['free-threaded', { prefix: '/v', libraryName: '3.13t', installation: false }, ['/v/lib/python3.13t/site-packages', '/v/lib64/python3.13t/site-packages']],
    ['PyPy', { prefix: '/p', libraryName: '3.10', implementation: 'pypy' }, ['/p/lib/pypy3.10/site-packages', '/p/site-packages']],
    ['Windows', { prefix: '/w', windows: true }, ['/w/Lib/site-packages']],
    ['unknown', { libraryName: null }, []],
  ])('packages of %s', (_, more, expected) => {
    expect(decideSiteFolders({ ...layout, ...more })).toEqual(expected);
  });
  it('packages of the user', () => {
    expect(decideUserSite(makePlaces('/r', {}, 'linux', false), '3.12')).toBe('/r/.local/lib/python3.12/site-packages');
    expect(decideUserSite(makePlaces('/r', {}, 'darwin', false), '3.12')).toBe('/r/Library/Python/3.12/lib/python/site-packages');
    expect(decideUserSite(makePlaces(null, { PYTHONUSERBASE: '/base' }, 'linux', false), '3.12')).toBe('/base/lib/python3.12/site-packages');
  });
  it.each([
    ['/home/u/x', null], ['/home/other/x/.venv', 'home of other'], ['/home/linuxbrew/.linuxbrew/x', null], ['/root/x', 'home of root'], ['/var/lib/docker/volumes/work/_data/venv', 'container volume work'], ['/mnt/d/venv', 'Windows drive D:'], ['/opt/venv', null],
  ])('the place of %s: %s', (prefix, place) => {
    expect(decidePlace(prefix, '/home/u', true)).toBe(place);
  });
  it('which of its folders are gone into', () => {
    const entries = (names: string): { name: string; folder: boolean; link: boolean }[] => names.split(' ').map((name) => ({ name: name.replace(/[/@]$/, ''), folder: name.endsWith('/'), link: name.endsWith('@') }));
    expect(decideFolder(entries('src/ node_modules/ .git/ .venv/ .cache/ data@ pyproject.toml'), false)).toEqual({ environment: null, project: true, pixi: false, children: ['src', '.venv', 'data'] });
    expect(decideFolder(entries('a/ venv/ b/'), true).children).toEqual(['venv']);
    expect(decideFolder(entries('conda-meta/ envs/ bin/ lib/ pkgs/'), false)).toEqual({ environment: 'sure', project: false, pixi: false, children: ['envs'] });
    expect(decideFolder(entries('bin/ lib/'), false).environment).toBe('maybe');
    expect(decideFolder(entries('python.exe python312._pth'), false).environment).toBe('sure');
    expect(decideFolder(entries('conda-meta bin'), false).environment).toBe(null);
  });
});
