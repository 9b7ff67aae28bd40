import { describe, expect, it } from 'vitest';
import type { Device } from '../../../contract/gpu.ts';
import { readSimulatedMachine } from '../../gpu/sources/gpu-models.ts';
import { createSimulatedDevice } from '../../gpu/sources/simulate-model.ts';
import { decideDeviceSettings, decideUnreal, type SettingsQuestion } from './decide-device-settings.ts';
import { decidePrivilege, type PrivilegeFacts } from './decide-privilege.ts';
import { decideRefusal, soundsRefused } from './decide-refusal.ts';
import { makeSmiOption, smiArguments, wordValue } from './device-commands.ts';
import { makeSetCommand, makeTrialCommand } from './make-trial-command.ts';

const facts: PrivilegeFacts = { platform: 'linux', isRoot: false, hasDesktop: true, hasPkexec: true, hasSudo: true, simulated: false };

describe('the way to an administrator’s rights', () => {
  it.each([
    ['a Linux desktop', {}, 'pkexec'],
    ['a terminal session', { hasDesktop: false }, 'sudo'],
    ['a desktop without polkit', { hasPkexec: false }, 'sudo'],
    ['root', { isRoot: true }, 'direct'],
    ['Windows', { platform: 'win32' as const, hasPkexec: false, hasSudo: false }, 'uac'],
    ['a simulated driver', { simulated: true, hasSudo: false, hasPkexec: false }, 'direct'],
    ['a session without any', { hasDesktop: false, hasSudo: false }, null],
    ['a machine without any', { hasPkexec: false, hasSudo: false }, null],
    ['macOS', { platform: 'darwin' as const }, null],
  ])('%s', (_name, part, way) => {
    expect(decidePrivilege({ ...facts, ...part }).way).toBe(way);
  });
});

describe('what nvidia-smi is told', () => {
  it.each([
    ['persistence_mode', 1, ['-i', 'GPU-1', '-pm', '1']],
    ['persistence_mode', 0, ['-i', 'GPU-1', '-pm', '0']],
    ['power_limit', 250.456, ['-i', 'GPU-1', '-pl', '250.46']],
    ['sm_clock_lock', 1500, ['-i', 'GPU-1', '-lgc', '1500,1500']],
    ['sm_clock_lock', 0, ['-i', 'GPU-1', '-rgc']],
    ['sm_clock_lock', null, ['-i', 'GPU-1', '-rgc']],
  ] as const)('%s %s', (setting, value, args) => {
    expect(smiArguments('GPU-1', makeSmiOption(setting, value))).toEqual(args);
  });
  it('and its words', () => {
    expect([wordValue('power_limit', 250), wordValue('persistence_mode', 1), wordValue('persistence_mode', null), wordValue('sm_clock_lock', null), wordValue('sm_clock_lock', 900), wordValue('power_limit', null)]).toEqual(['250 W', 'on', 'unknown', 'no lock', '900 MHz', 'unknown']);
  });
});

describe('the command of a trial', () => {
  const input = { program: ['nvidia-smi'], uuid: 'GPU-1', apply: makeSmiOption('power_limit', 250), back: makeSmiOption('power_limit', 450), seconds: 20 };
  it.each([['direct', ['setsid', '-w', '/bin/sh', '-c']], ['pkexec', ['pkexec', '/bin/sh', '-c']], ['sudo', ['sudo', '-n', '/bin/sh', '-c']]] as const)('%s', (way, head) => {
    const command = makeTrialCommand({ ...input, way });
    expect(command.slice(0, head.length)).toEqual(head);
    expect(command.slice(head.length + 1)).toEqual(['warpdeck-trial', '20', 'GPU-1', '-pl', '250', '-pl', '450', 'nvidia-smi']);
  });
  it('on Windows asks by UAC, and holds both commands', () => {
    const command = makeTrialCommand({ ...input, way: 'uac', program: ["C:\\it's\\nvidia-smi.exe"] });
    expect(command.slice(0, 4)).toEqual(['powershell.exe', '-NoProfile', '-NonInteractive', '-EncodedCommand']);
    const outer = Buffer.from(command[4] ?? '', 'base64').toString('utf16le');
    expect(outer).toContain('-Verb RunAs');
    const inner = Buffer.from(/FromBase64String\('([^']+)'\)/.exec(outer)?.[1] ?? '', 'base64').toString('utf16le');
    expect(inner).toContain("& 'C:\\it''s\\nvidia-smi.exe' '-i' 'GPU-1' '-pl' '250' 2>&1");
    expect(inner).toContain("'-pl' '450'");
    expect(inner).toContain('AddSeconds(20)');
    expect(command[4]?.length ?? 0).toBeLessThan(30_000);
  });
  it.each([['direct', ['nvidia-smi', '-i', 'GPU-1', '-pl', '250']], ['pkexec', ['pkexec', 'nvidia-smi', '-i', 'GPU-1', '-pl', '250']], ['sudo', ['sudo', '-n', 'nvidia-smi', '-i', 'GPU-1', '-pl', '250']]] as const)('without a trial: %s', (way, command) => {
    expect(makeSetCommand({ ...input, way })).toEqual(command);
  });
});

describe('why it was refused', () => {
  const ask = (text: string, way: 'direct' | 'pkexec' | 'sudo' | 'uac' = 'direct', exitCode: number | null = 1) => decideRefusal({ gpu: 'RTX 4090', setting: 'The power limit', command: 'nvidia-smi -i GPU-1 -pl 250', way, text, exitCode });
  it.each([
    ['Changing power management limit is not supported for GPU: 00000000:01:00.0.\nTreating as warning and moving on.\nAll done.', 'direct', 0, 'device.not_supported', 'RTX 4090'],
    ['Unable to set power limit for GPU 00000000:01:00.0: Insufficient Permissions\nTreating as warning and moving on.\nAll done.', 'direct', 0, 'device.refused', 'Insufficient Permissions'],
    ['Provided power limit 900.00 W is not a valid power limit which should be between 100.00 W and 450.00 W for GPU 00000000:01:00.0\nTerminating early due to previous errors.', 'direct', 2, 'device.refused', '900.00 W'],
    ['Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU', 'direct', 15, 'device.refused', 'GPU is lost'],
    ['Error executing command as another user: Request dismissed', 'pkexec', 126, 'device.refused', 'dismissed'],
    ['sudo: a password is required', 'sudo', 1, 'device.refused', 'password'],
    ['This command cannot be run due to the error: The operation was canceled by the user.', 'uac', 3, 'device.refused', 'canceled'],
    ['', 'direct', null, 'device.refused', 'it said nothing'],
  ] as const)('%s', (text, way, exitCode, code, cause) => {
    const problem = ask(text, way, exitCode);
    expect(problem.code).toBe(code);
    expect(problem.cause).toContain(cause);
    expect(problem.remedy).not.toBe('');
  });
  it.each([
    ['Power limit for GPU 00000000:01:00.0 was set to 250.00 W from 450.00 W.\nAll done.', false],
    ['Enabled persistence mode for GPU 00000000:01:00.0.\nAll done.', false],
    ['GPU clocks set to "(gpuClkMin 1500, gpuClkMax 1500)" for GPU 00000000:01:00.0\nAll done.', false],
    ['Setting locked GPU clocks is not supported for GPU 00000000:01:00.0.\nTreating as warning and moving on.\nAll done.', true],
  ])('hears whether it was: %s', (text, refused) => {
    expect(soundsRefused(text)).toBe(refused);
  });
});

describe('which settings a GPU offers', () => {
  const [first] = readSimulatedMachine(1);
  if (first === undefined) throw new Error('no model');
  const [device] = createSimulatedDevice({ ...first, index: 0, seed: 1, warm: false, startMs: 0 }).devices();
  if (device === undefined) throw new Error('no device');
  const ask = (part: Partial<SettingsQuestion>, changed: Partial<Device> = {}): (string | null)[] =>
    decideDeviceSettings({ device: { ...device, ...changed }, source: 'nvml', powerLimitWatts: null, privilege: { way: 'pkexec', note: null }, canTellSimulation: true, ...part }).map((one) => (one.canChange ? null : one.whyNot));
  it.each([
    ['all', {}, {}, [null, null, null]],
    ['none recorded', { source: 'replay' as const }, {}, [/recorded/, /recorded/, /recorded/]],
    ['none of a simulation that keeps nothing', { source: 'simulate' as const, canTellSimulation: false }, {}, [/simulated/, /simulated/, /simulated/]],
    ['none of a MIG instance', {}, { kind: 'mig' as const }, [/MIG/, /MIG/, /MIG/]],
    ['none without rights', { privilege: { way: null, whyNot: 'No rights.' } }, {}, [/No rights/, /No rights/, /No rights/]],
    ['no persistence mode where it is not reported', {}, { persistenceMode: null }, [/does not report/, null, null]],
    ['no limit where there is one only', {}, { powerMinLimitWatts: 300, powerMaxLimitWatts: 300 }, [null, /one power limit/, null]],
    ['no lock before Volta', {}, { computeCapability: '6.1' }, [null, null, /Volta/]],
  ])('%s', (_name, part, changed, expected) => {
    const found = ask(part, changed);
    for (const [i, reason] of expected.entries()) {
      if (reason === null) expect(found[i]).toBeNull();
      else expect(found[i]).toMatch(reason);
    }
  });
  it('takes the newest reading of the limit', () => {
    const value = (powerLimitWatts: number | null): number | null | undefined => decideDeviceSettings({ device, source: 'nvml', powerLimitWatts, privilege: { way: 'direct', note: null }, canTellSimulation: true })[1]?.value;
    expect(value(123)).toBe(123);
    expect(value(null)).toBe(device.powerLimitWatts);
    expect([decideUnreal('nvml', false), decideUnreal('smi', false), decideUnreal('simulate', true), decideUnreal('none', true)]).toEqual([null, null, null, 'not there']);
  });
});
