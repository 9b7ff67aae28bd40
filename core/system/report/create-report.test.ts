import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { defaultSettings } from '../../../contract/settings.ts';
import { makeDevices } from '../../storage/history/history-fixtures.ts';
import { createReport, readMachine, type ReportParts } from './create-report.ts';
import { diffSettings } from './diff-settings.ts';
import { createReportRedactor } from './redact-report.ts';

const at = Date.UTC(2026, 10, 21, 12, 30, 5);

/** A report with everything in it that must not leave the machine. */
function makeParts(change: Partial<ReportParts> = {}): ReportParts {
  const [first] = makeDevices(1);
  if (first === undefined) throw new Error('no device');
  return {
    atMs: at,
    identity: { home: '/home/quentin', userName: 'quentin', hostName: 'workbench.lab.example' },
    machine: { system: 'Linux 6.12.0', cpu: 'Test processor', cores: 16, memTotalBytes: 64 * 1024 ** 3 },
    info: { version: '0.1.0', pid: 4242, startedAtMs: at - 3_600_000, dataDir: '/home/quentin/.local/share/warpdeck', sourceSpec: 'nvml', stays: true, ephemeral: false, node: 'v24.21.0', platform: 'linux-x64', hostName: 'workbench.lab.example', inContainer: false, wsl: false },
    inventory: {
      revision: 3, atMs: at, source: 'nvml', sourceSpec: 'nvml', simulated: false, state: 'problem', problem: makeProblem('gpu.lost', { name: 'Test GPU 0' }, { chain: ['NVML 15'], incident: 'i-1' }),
      driver: { driverVersion: '580.95.05', cudaVersion: '13.0', nvmlVersion: '13.580.95.05', libraryPath: '/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.95.05' },
      devices: [{ ...first, name: 'NVIDIA GeForce RTX 5090', computeCapability: '12.0', architecture: 'Blackwell', pciBusId: '00000000:01:00.0', memTotalBytes: 34_190_917_632, powerLimitWatts: 575, notReported: { tempMemCelsius: { code: 'not_supported', text: 'x' } } }],
      provenance: null, findings: [{ name: 'PCI device', ok: true, value: '10de:2b85', place: '/sys/bus/pci/devices/0000:01:00.0' }], rateHz: 10, rateNote: null, inContainer: false,
    },
    status: { atMs: at, cpuPercent: 1.25, rssBytes: 120 * 1024 ** 2, faces: 2, jobsRunning: 1, workers: [{ name: 'nvml', state: 'ready', pid: 4243, restarts: 1, problem: null, rssBytes: 60 * 1024 ** 2 }], web: { on: true, url: 'http://127.0.0.1:7757/#token=abcdefabcdefabcd', host: '127.0.0.1', port: 7757, secure: false }, history: 'on', notices: [] },
    settings: { settings: { ...defaultSettings, appearance: { ...defaultSettings.appearance, theme: 'dark' }, alerts: { ...defaultSettings.alerts, exceptions: { [first.uuid]: { celsius: 70 } } } }, path: '/home/quentin/.local/share/warpdeck/config.json', state: 'ok', note: null },
    jobs: [{ id: 'j', kind: 'download', title: 'Model for quentin', state: 'failed', startedAtMs: at, endedAtMs: at, progress: null, doing: null, secondsLeft: null, result: null, problem: makeProblem('file.disk_full', { path: '/home/quentin/models/a.gguf', detail: 'ENOSPC' }) }],
    alerts: { open: [], over: [] },
    history: { state: 'on', reason: null, sizeBytes: 30 * 1024 ** 2, sizeCapBytes: 512 * 1024 ** 2, oldestMs: at - 86_400_000, rows: { raw: 6000, second: 86_400, minute: 1440 } },
    notices: [makeProblem('history.disk_full', { path: '/home/quentin/x.db', detail: 'full' })],
    log: [
      `{"level":"info","message":"face from 192.168.7.12 and fe80::1c2d:3eff:fe4f:5a6b on workbench, 127.0.0.1 is fine"}`,
      `{"level":"warn","message":"GET /rpc","authorization":"Bearer abcdefghijklmnop","user":"Quentin","mac":"3c:7c:3f:aa:bb:0c","mail":"quentin@lab.example"}`,
      `{"level":"info","message":"${first.uuid} Serial Number: 1650923004321 at 12:30:05 pci 0000:01:00.0 \`\`\` fence"}`,
    ].join('\n'),
    ...change,
  };
}

describe('createReport', () => {
  it('is the text that was agreed on', async () => {
    const { fileName, text } = await createReport(makeParts());
    expect(fileName).toBe('warpdeck-report-2026-11-21T12-30-05.md');
    await expect(text).toMatchFileSnapshot('create-report.golden.md');
  });

  it('is made also when the history fails, and of this machine', async () => {
    const { machine: _, identity: __, ...rest } = makeParts({ history: Promise.reject(new Error('thread gone')) });
    const { text } = await createReport(rest);
    expect(text).toContain('thread gone');
    expect(text).toContain(`${readMachine().cores} cores`);
  });

  it('holds no planted secret, wherever it was planted', async () => {
    const lower = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz');
    const word = fc.string({ unit: lower, minLength: 7, maxLength: 12 }).map((w) => `q${w}z`);
    const hex = (n: number) => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: n, maxLength: n });
    const octet = fc.integer({ min: 1, max: 254 });
    const planted = fc.record({
      user: word, host: word, token: hex(32), hub: hex(24).map((h) => `hf_${h}`), web: hex(20),
      mac: fc.tuple(hex(2), hex(2), hex(2), hex(2), hex(2), hex(2)).map((p) => p.join(':')),
      ip: fc.tuple(fc.integer({ min: 1, max: 126 }), octet, octet, octet).map((p) => p.join('.')),
      ip6: fc.tuple(hex(4), hex(4), hex(4), hex(4)).map(([a, b, c, d]) => `2001:db8:${a}:${b}:${c}:${d}:1:2`),
      serial: fc.integer({ min: 1_000_000_000, max: 9_999_999_999 }).map(String),
      before: fc.constantFrom('', ' ', '"', '(', '=', ': ', ', ', '[', '/'), after: fc.constantFrom('', ' ', '"', ')', ',', ']', '\n', ';'),
    });
    await fc.assert(fc.asyncProperty(planted, async (p) => {
      const put = (text: string): string => `${p.before}${text}${p.after}`;
      const line = [put(p.user), put(p.host), `Bearer ${p.token}`, put(p.hub), put(p.web), put(p.mac), ` ${put(p.ip).trim()} `, ` ${p.ip6} `, `serial: ${p.serial}`, put(`/home/${p.user}/x`), put(`${p.host}.lab.example`), `https://a:${p.token}@x/`].join(' ');
      const { text } = await createReport(makeParts({
        identity: { home: `/home/${p.user}`, userName: p.user, hostName: `${p.host}.lab.example` },
        secrets: [p.web], log: line,
        notices: [makeProblem('file.not_writable', { path: `/home/${p.user}/a`, detail: line })],
        jobs: [{ ...(makeParts().jobs[0] as ReportParts['jobs'][number]), title: line }],
        settings: { ...makeParts().settings, state: 'not_writable', note: line },
      }));
      for (const secret of [p.user, p.host, p.token, p.hub, p.web, p.mac, p.ip6, p.serial]) expect(text.toLowerCase()).not.toContain(secret.toLowerCase());
      expect(text).not.toMatch(new RegExp(`(?<![\\d.])${p.ip.replaceAll('.', '\\.')}(?![\\d.])`));
    }), { numRuns: 150, seed: 11 });
  });
});

describe('createReportRedactor', () => {
  const redact = createReportRedactor({ home: 'C:\\Users\\Quentin', userName: 'Quentin', hostName: 'root' });
  it.each([
    ['C:\\Users\\Quentin\\x and "C:\\\\Users\\\\quentin\\\\y"', '~\\x and "~\\\\y"'],
    ['quentin_project of QUENTIN', '<user>_project of <user>'],
    ['quentinesque stays', 'quentinesque stays'],
    ['root is no name', 'root is no name'],
    ['driver 580.95.05, NVML 13.580.95.05, 12:30:05', 'driver 580.95.05, NVML 13.580.95.05, 12:30:05'],
    ['00000000:01:00.0 and 0000:01:00.0', '00000000:01:00.0 and 0000:01:00.0'],
    ['http://10.1.2.3:7757/ http://127.0.0.1:7757/', 'http://<ip>:7757/ http://127.0.0.1:7757/'],
    ['[2001:db8::1]:80 ::1 std::vector', '[<ip>]:80 ::1 std::vector'],
    ['3C-7C-3F-AA-BB-0C', '<mac>'],
  ])('%s', (text, wanted) => expect(redact(text)).toBe(wanted));

  it('gives the same GPU the same number', () => {
    const [a, b] = makeDevices(2).map((d) => d.uuid);
    expect(redact(`${a} ${b} ${a}`)).toBe('<GPU-uuid-0> <GPU-uuid-1> <GPU-uuid-0>');
  });
});

it('diffSettings names what differs', () => {
  expect(diffSettings({ a: { b: 1, c: [1] }, d: null }, { a: { b: 1, c: [2] }, e: 0 })).toEqual(['a.c: [1] ([2])', 'e: nothing (0)', 'd: null (nothing)']);
});
