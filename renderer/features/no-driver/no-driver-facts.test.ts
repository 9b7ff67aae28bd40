import { describe, expect, it } from 'vitest';
import { makeProblem, problemCodes } from '../../../contract/problem-catalogue.ts';
import { decideSteps, decideVersions, hasNoDriver } from './no-driver-facts.ts';

const mismatch = makeProblem('gpu.version_mismatch', { moduleVersion: '580.82', libraryVersion: '580.95' });

it('puts the versions on one line, the one that does not fit marked', () => {
  expect(decideVersions(mismatch).map((v) => [v.value, v.bad])).toEqual([['580.82', true], ['580.95', false]]);
  expect(decideVersions(makeProblem('gpu.no_driver', { hardware: 'RTX', library: 'libnvidia-ml.so.1' }))).toEqual([]);
});

it('gives each step its command', () => {
  expect(decideSteps(mismatch).map((s) => s.command?.slice(0, 19) ?? null)).toEqual(['sudo systemctl rebo', 'sudo modprobe -r nv']);
});

it('has at least one step for every problem', () => {
  for (const code of problemCodes) expect(decideSteps(makeProblem(code)).length, code).toBeGreaterThan(0);
});

describe('hasNoDriver', () => {
  const device = [{}];
  it.each([
    ['no device and a reason', { state: 'ok', devices: [], problem: mismatch }, true],
    ['devices known, driver gone', { state: 'problem', devices: device, problem: mismatch }, true],
    ['a worker that restarts', { state: 'problem', devices: device, problem: makeProblem('worker.crashed') }, false],
    ['readings from nvidia-smi', { state: 'ok', devices: device, problem: makeProblem('gpu.smi_only') }, false],
    ['all well', { state: 'ok', devices: device, problem: null }, false],
  ] as const)('%s', (_, inventory, expected) => {
    expect(hasNoDriver(inventory)).toBe(expected);
  });
});
