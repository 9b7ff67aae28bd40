import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { recordingHeader } from '../../../contract/recording.ts';
import { sourceEvent } from '../../../contract/nvml-worker.ts';
import { buildNvmlDriver, oldDriverLacks } from './build-nvml-driver.ts';
import { makeNvmlFeed } from './nvml-feed.ts';
import { makeNvmlControl, readRecording, type RecordingName } from './nvml-test-driver.ts';

const names: readonly RecordingName[] = ['h200-two', 'h200-eight', 'rtx-5090', 'h100-mig', 'gb10-unified', 'wsl-5090'];

describe('recordings', () => {
  test.each(names)('%s fits the contract, is small, and says what was edited', async (name) => {
    const text = await readRecording(name);
    expect(text.length).toBeLessThan(60_000);
    const [first, ...lines] = text.trimEnd().split('\n');
    const header = recordingHeader.parse(JSON.parse(first ?? ''));
    expect(header.provenance.edited.length).toBeGreaterThan(3);
    for (const line of lines) sourceEvent.parse(JSON.parse(line));
    const uuids = new Set(header.devices.map((d) => d.uuid));
    const frames = lines.map((line) => sourceEvent.parse(JSON.parse(line))).flatMap((e) => (e.type === 'frame' ? [e.frame] : []));
    expect(frames.length).toBeGreaterThan(10);
    for (const frame of frames) expect(new Set(frame.samples.map((s) => s.uuid))).toEqual(uuids);
  });
});

describe('makeNvmlFeed', () => {
  test('speaks NVML\'s units', async () => {
    const feed = makeNvmlFeed(await readRecording('h200-two'));
    expect(feed).toContain('cuda 13000\n');
    expect(feed).toMatch(/^device 0 -1 uuid=GPU-00000002\S+ name=NVIDIA_H200 bus=00000000:00:06\.0 .*arch=9 cc=90 .*limit_mw=700000/m);
    expect(feed).toMatch(/^frame 0 0 .*power_mw=76990 .*mem_reserved=645922816/m);
    expect(feed).toMatch(/^process 0 4242 c 1194328064 100 25$/m);
  });
  test('a rate becomes a counter that grows; what is not reported becomes N', async () => {
    const feed = makeNvmlFeed(await readRecording('h200-two'));
    const counts = [...feed.matchAll(/^frame \d+ 0 .*pcie_tx=(\d+)/gm)].map((m) => Number(m[1]));
    expect(counts.length).toBeGreaterThan(20);
    expect(counts[0]).toBe(0);
    expect(counts.every((c, i) => i === 0 || c > (counts[i - 1] ?? 0))).toBe(true);
    expect(makeNvmlFeed(await readRecording('gb10-unified'))).toMatch(/mem_total=N/);
    expect(makeNvmlFeed(await readRecording('h100-mig'))).toMatch(/^device 1 0 uuid=MIG-/m);
  });
  test('a control file is key=value lines', () => {
    expect(makeNvmlControl({ init: 18, lost: 'GPU-1' })).toBe('init=18\nlost=GPU-1\n');
  });
});

describe('buildNvmlDriver', () => {
  test('builds once; a variant lacks its functions', async () => {
    const whole = await buildNvmlDriver();
    const old = await buildNvmlDriver({ without: oldDriverLacks });
    expect((await buildNvmlDriver()).libraryDir).toBe(whole.libraryDir);
    expect(old.libraryDir).not.toBe(whole.libraryDir);
    expect(existsSync(join(whole.libraryDir, 'libnvidia-ml.so.580.159.04'))).toBe(true);
    const symbols = async (dir: string): Promise<string> => (await promisify(execFile)('nm', ['-D', '--defined-only', join(dir, 'libnvidia-ml.so.1')])).stdout;
    expect(await symbols(whole.libraryDir)).toContain('nvmlDeviceGetFieldValues');
    expect(await symbols(old.libraryDir)).not.toContain('nvmlDeviceGetFieldValues');
  });
});
