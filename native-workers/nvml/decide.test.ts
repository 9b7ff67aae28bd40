import { describe, expect, test } from 'vitest';
import { decideCounterDelta, makeCounterRate, updateCounterRate } from './counter-rate.ts';
import { parseSystemMemory } from './driver-facts.ts';
import { makeFieldBatch } from './field-batch.ts';
import { decideLoadFailure, listLibraryCandidates, parseLibraryVersion, parseLoadedPath, parseModuleVersion } from './library-candidates.ts';
import { decideReason } from './not-reported.ts';
import { decideRoom } from './process-reader.ts';
import { decideArchitecture, decideCudaVersion, parseMigProfile } from './read-device-record.ts';
import { decideCounterPeriodMs, decideNextTick, decideRate, isDue, makeDurationWindow } from './schedule.ts';
import { decideTrouble, type DriverFacts } from './trouble.ts';
import { readI32, readText, readU32, readU64, structVersion } from './words.ts';

describe('words', () => {
  test('all ones is "not available"', () => {
    const words = new Uint32Array([0xffff_ffff, 0xffff_ffff, 7, 1]);
    expect(readU32(words, 0)).toBeNull();
    expect(readU64(words, 0)).toBeNull();
    expect(readU32(words, 2)).toBe(7);
    expect(readU64(words, 2)).toBe(4_294_967_303);
    expect(readI32(words, 0)).toBe(-1);
    expect(readU64(new Uint32Array([0, 0x0020_0000]), 0)).toBeNull(); // 2⁵³ is not exact any more
  });
  test('texts and versions', () => {
    expect(readText(Buffer.from('NVIDIA H200\0rubbish'))).toBe('NVIDIA H200');
    expect(structVersion(40, 2)).toBe(0x0200_0028);
  });
});

describe('counters', () => {
  test.each([
    [100, 150, 64, 50], [100, 100, 64, 0], [4_294_967_290, 10, 32, 16], [150, 100, 64, null],
  ] as const)('from %d to %d (%d bits): %s', (before, now, bits, delta) => expect(decideCounterDelta(before, now, bits)).toBe(delta));
  test('a rate needs two readings and their own times', () => {
    const rate = makeCounterRate();
    updateCounterRate(rate, 1000, 1_000_000, 64);
    expect(rate.rate).toBeNull();
    updateCounterRate(rate, 3000, 1_500_000, 64);
    expect(rate.rate).toBe(4000);
    updateCounterRate(rate, 3000, 1_500_000, 64);
    expect(rate.rate).toBe(4000); // the same reading
    updateCounterRate(rate, null, 0, 64);
    expect(rate.rate).toBeNull();
    updateCounterRate(rate, 9000, 2_000_000, 64);
    expect(rate.rate).toBeNull(); // begins anew
  });
});

describe('field batch', () => {
  test('decodes each type, and asks no more what was dropped', () => {
    const batch = makeFieldBatch([{ id: 186, scope: 0 }, { id: 83, scope: 0 }, { id: 194, scope: 0 }]);
    const asked: number[] = [];
    const driver = (_: unknown, count: unknown, memory: unknown): number => {
      const words = memory as Uint32Array;
      asked.push(Number(count));
      for (let i = 0; i < Number(count); i++) {
        const o = i * 10;
        const id = words[o];
        words[o + 2] = 5; // µs
        words[o + 6] = id === 83 ? 3 : id === 194 ? 5 : 1;
        words[o + 7] = 0;
        words[o + 8] = id === 83 ? 1 : id === 194 ? 0xffff_fffe : 120_000;
        words[o + 9] = id === 83 ? 1 : 0;
      }
      return 0;
    };
    expect(batch.read(driver as never, 1n)).toBe(0);
    expect([batch.value(0), batch.value(1), batch.value(2), batch.atUs(1), batch.bits(0), batch.bits(1)]).toEqual([120_000, 4_294_967_297, -2, 5, 32, 64]);
    batch.drop(0);
    expect([batch.code(0), batch.value(1)]).toEqual([3, 4_294_967_297]); // places stand until the next read
    batch.read(driver, 1n);
    expect(asked).toEqual([3, 2]);
    expect([batch.value(0), batch.value(1), batch.value(2), batch.size]).toEqual([null, 4_294_967_297, -2, 2]);
  });
});

describe('schedule', () => {
  test.each([
    [10, 0.05, 8, 10], [10, 1.2, 8, 10], [10, 3, 8, 5], [10, 3, 1, 5], [10, 12, 1, 1], [1, 0.5, 1, 1], [10, 60, 8, 0.2], [0.2, 60, 8, 0.2],
  ])('wanted %d Hz, a reading takes %d ms for %d GPUs: %d Hz', (wanted, ms, devices, rate) => {
    const decision = decideRate(wanted, ms, devices);
    expect(decision.rateHz).toBe(rate);
    expect(decision.note === null).toBe(rate === wanted);
  });
  test('costly counters stay in the budget', () => {
    expect(decideCounterPeriodMs(2)).toBe(1000);
    expect(decideCounterPeriodMs(6)).toBe(3000);
    expect(decideCounterPeriodMs(5000)).toBe(10_000);
  });
  test('ticks keep to their grid and are left out when late', () => {
    expect(decideNextTick(1000, 1003, 100)).toBe(1100);
    expect(decideNextTick(1000, 1100, 100)).toBe(1200);
    expect(decideNextTick(1000, 1350, 100)).toBe(1400);
  });
  test('a tier is due up to half a tick early', () => {
    expect(isDue(1000, 960, 100)).toBe(true);
    expect(isDue(1000, 940, 100)).toBe(false);
  });
  test('median of the last readings', () => {
    const window = makeDurationWindow(3);
    for (const ms of [9, 1, 2, 3]) window.add(ms);
    expect([window.median(), window.full()]).toEqual([2, true]);
    window.clear();
    expect(window.median()).toBe(0);
  });
});

describe('the library', () => {
  test('is searched where systems have it', () => {
    const linux = listLibraryCandidates('linux', {});
    expect(linux[0]).toBe('libnvidia-ml.so.1');
    expect(linux).toEqual(expect.arrayContaining(['/usr/lib/wsl/lib/libnvidia-ml.so.1', '/run/opengl-driver/lib/libnvidia-ml.so.1', '/usr/local/nvidia/lib64/libnvidia-ml.so.1']));
    expect(listLibraryCandidates('win32', { SystemRoot: 'D:\\W', ProgramFiles: 'D:\\P' })).toEqual(['D:\\W\\System32\\nvml.dll', 'D:\\P\\NVIDIA Corporation\\NVSMI\\nvml.dll']);
    expect(listLibraryCandidates('darwin', {})).toEqual([]);
  });
  test('absent is not broken', () => {
    expect(decideLoadFailure('x.so', 'x.so: cannot open shared object file: No such file or directory')).toBe('absent');
    expect(decideLoadFailure('x.so', 'libdep.so: cannot open shared object file: No such file or directory')).toBe('broken');
    expect(decideLoadFailure('x.so', 'x.so: file too short')).toBe('broken');
  });
  test('versions and paths are read out of texts', () => {
    expect(parseLibraryVersion('/usr/lib/libnvidia-ml.so.580.159.04')).toBe('580.159.04');
    expect(parseLibraryVersion('/usr/lib/libnvidia-ml.so.1')).toBeNull();
    expect(parseLoadedPath('7f00-7f01 r--p 0 fe:00 1   /lib/libc.so.6\n7f02-7f03 r-xp 0 fe:00 2   /usr/lib/libnvidia-ml.so.580.1\n')).toBe('/usr/lib/libnvidia-ml.so.580.1');
    expect(parseModuleVersion('NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (builder@)\n')).toBe('580.159.04');
    expect(parseSystemMemory('MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n')).toEqual({ totalBytes: 1_024_000, availableBytes: 409_600 });
    expect(parseSystemMemory('')).toBeNull();
  });
});

describe('what is said', () => {
  const facts: DriverFacts = { library: 'libnvidia-ml.so.1', libraryVersion: '580.1', moduleVersion: '570.2', hardware: 'An NVIDIA GPU', deviceFiles: '/dev/nvidia0', user: 'maria' };
  test.each([
    [9, 'gpu.module_not_loaded'], [18, 'gpu.version_mismatch'], [15, 'gpu.lost'], [16, 'gpu.reset_required'], [4, 'gpu.no_permission'], [17, 'gpu.no_permission'], [12, 'gpu.no_driver'], [999, 'gpu.driver_error'], [10, 'gpu.driver_error'],
  ])('NVML %d is %s', (code, problem) => expect(decideTrouble(code, 'nvmlInit_v2', facts).code).toBe(problem));
  test('a mismatch names both versions', () => expect(decideTrouble(18, 'nvmlInit_v2', facts).facts).toEqual({ libraryVersion: '580.1', moduleVersion: '570.2' }));
  const context = { mig: 'no', wsl: false, windows: false, unifiedMemory: false } as const;
  test.each([
    ['powerWatts', 3, {}, 'not_supported'], ['powerWatts', 4, {}, 'no_permission'], ['powerWatts', 'symbol_missing', {}, 'symbol_missing'], ['powerWatts', 999, {}, 'error'], ['powerWatts', 10, {}, 'timeout'], ['powerWatts', 3, { mig: 'instance' }, 'mig'],
    ['utilGpuPercent', 3, { mig: 'parent' }, 'mig'], ['powerWatts', 3, { mig: 'parent' }, 'not_supported'], ['fanPercent', 3, { wsl: true }, 'wsl'], ['clockMemMhz', 3, { unifiedMemory: true }, 'unified_memory'],
  ] as const)('%s, code %s, %o: %s', (field, code, more, reason) => {
    const said = decideReason(code, { ...context, ...more, field });
    expect(said.code).toBe(reason);
    expect(said.text).toMatch(/^[A-Z].*\.$/);
  });
  test('names', () => {
    expect([decideArchitecture(9), decideArchitecture(10), decideArchitecture(99), decideArchitecture(null)]).toEqual(['Hopper', 'Blackwell', 'Architecture 99', null]);
    expect(parseMigProfile('NVIDIA H100 80GB HBM3 MIG 1g.10gb')).toBe('1g.10gb');
    expect([decideCudaVersion(13_000), decideCudaVersion(12_080), decideCudaVersion(0)]).toEqual(['13.0', '12.8', null]);
    expect(decideRoom(500, 64)).toBe(625);
  });
});
