import type { Random } from './simulate-random.ts';

/** What a simulated program does with its GPU. */
export type Role = 'training' | 'finetune' | 'decode' | 'burst' | 'video' | 'desktop' | 'notebook';

/** The demand of everything on one GPU in one step. Shares are 0–1; traffic in bytes a second. */
export interface Load {
  busyShare: number;
  /** Busy share weighted by how hard the kernels press the power budget. */
  pressure: number;
  memBusShare: number;
  memBytes: number;
  pcieRx: number;
  pcieTx: number;
  nvlinkRx: number;
  nvlinkTx: number;
  encoderShare: number;
  decoderShare: number;
}

export interface SimulatedProgram {
  pid: number;
  readonly role: Role;
  readonly user: string;
  readonly command: string;
  /** Seconds of the simulation; null while it is not there. */
  startedAt: number | null;
  memBytes: number;
  smShare: number;
  memShare: number;
  encoderShare: number;
  decoderShare: number;
}

interface RoleFacts {
  readonly user: string;
  readonly command: string;
  readonly memory: number;
  readonly runs: readonly [number, number];
  readonly pauses: readonly [number, number];
}

/** Share of the memory, seconds of a run, seconds until the next one. */
const roles: Readonly<Record<Role, RoleFacts>> = {
  training: { user: 'maria', command: 'python train.py --config small.yaml', memory: 0.81, runs: [200, 700], pauses: [6, 18] },
  finetune: { user: 'jonas', command: 'python finetune.py --lora', memory: 0.87, runs: [400, 1200], pauses: [5, 10] },
  decode: { user: 'serve', command: 'llama-server -ngl 99 -c 16384', memory: 0.58, runs: [400, 1500], pauses: [4, 12] },
  burst: { user: 'maria', command: 'python answer.py --serve', memory: 0.34, runs: [150, 500], pauses: [8, 30] },
  video: { user: 'serve', command: 'ffmpeg -hwaccel cuda -c:v hevc_nvenc', memory: 0.05, runs: [60, 240], pauses: [10, 40] },
  desktop: { user: 'maria', command: '/usr/lib/xorg/Xorg :0', memory: 0.015, runs: [1e9, 1e9], pauses: [1, 1] },
  notebook: { user: 'jonas', command: 'python -m ipykernel_launcher', memory: 0.06, runs: [600, 2400], pauses: [20, 90] },
};

/** What runs on which index; devices further on repeat the second half. */
const plans: readonly (readonly Role[])[] = [
  ['training', 'desktop'], ['burst', 'notebook'], ['decode', 'notebook'], ['finetune'],
  ['training'], ['decode', 'video'], ['burst', 'notebook'], ['video', 'burst'],
];

interface Slot extends SimulatedProgram {
  readonly facts: RoleFacts;
  changesAt: number;
  /** decode, burst: whether a request is being worked on, and until when. */
  active: boolean;
  activeUntil: number;
  level: number;
}

export interface LoadModel {
  /** Advances to `t` (seconds) and answers the demand of the step. The answer is reused. */
  step(t: number, dt: number): Readonly<Load>;
  programs(): readonly SimulatedProgram[];
}

/** The programs of one GPU, coming and going. `capacityBytes`: memory that programs may hold. */
export function createLoad(options: { random: Random; index: number; capacityBytes: number; nvlinkBytesPerSecond: number }): LoadModel {
  const { random, index, capacityBytes, nvlinkBytesPerSecond } = options;
  let nextPid = 41_000 + index * 517;
  const newPid = (): number => (nextPid += 1 + Math.floor(random.between(0, 40)));
  const plan = plans[index < plans.length ? index : 4 + (index % 4)] ?? ['burst'];
  const slots: Slot[] = plan.map((role) => {
    const facts = roles[role];
    return {
      role, facts, user: facts.user, command: facts.command, pid: newPid(), startedAt: 0, memBytes: facts.memory * capacityBytes, smShare: 0, memShare: 0,
      encoderShare: 0, decoderShare: 0, changesAt: random.between(facts.runs[0] * 0.3, facts.runs[1]), active: false, activeUntil: 0, level: 1,
    };
  });
  const load: Load = { busyShare: 0, pressure: 0, memBusShare: 0, memBytes: 0, pcieRx: 0, pcieTx: 0, nvlinkRx: 0, nvlinkTx: 0, encoderShare: 0, decoderShare: 0 };

  function requests(slot: Slot, t: number, on: readonly [number, number], off: readonly [number, number]): boolean {
    if (t >= slot.activeUntil) {
      slot.active = !slot.active;
      slot.activeUntil = t + (slot.active ? random.between(...on) : random.between(...off));
      slot.level = random.between(0.9, 1);
    }
    return slot.active;
  }

  function use(share: number, pressure: number, memBus: number): void {
    // Programs share the GPU in time: together they are busy when not all of them wait.
    load.busyShare = 1 - (1 - load.busyShare) * (1 - share);
    load.pressure = Math.min(1, load.pressure + share * pressure);
    load.memBusShare = Math.min(0.98, load.memBusShare + share * memBus);
  }

  function run(slot: Slot, t: number): void {
    const age = t - (slot.startedAt ?? t);
    const jitter = random.noise();
    let share = 0, pressure = 0, memBus = 0;
    slot.encoderShare = 0;
    slot.decoderShare = 0;
    if (slot.startedAt !== 0 && age < 5 && slot.role !== 'desktop' && slot.role !== 'notebook') {
      // Reading the weights: the bus is busy, the GPU waits.
      load.pcieRx += 9e9 * (1 + 0.1 * jitter);
      share = 0.06;
      pressure = 0.3;
    } else if (slot.role === 'training' || slot.role === 'finetune') {
      const inStep = age % 12;
      const inRound = age % 95;
      const checkpoint = inRound > 93.4;
      const evaluation = inRound > 84 && inRound <= 90;
      if (checkpoint) { share = 0.02; load.pcieTx += 3.8e9; }
      else if (inStep < 0.5) { share = 0.42 + 0.1 * jitter; pressure = 0.7; memBus = 0.3; load.pcieRx += 2.4e9; }
      else { share = 0.985 + 0.015 * jitter; pressure = evaluation ? 0.74 : 0.985 + 0.015 * jitter; memBus = 0.52 + 0.05 * jitter; load.pcieRx += 0.35e9 * (1 + 0.3 * jitter); load.pcieTx += 0.06e9; }
      if (!checkpoint && nvlinkBytesPerSecond > 0) { const flow = nvlinkBytesPerSecond * (0.28 + 0.06 * jitter); load.nvlinkRx += flow; load.nvlinkTx += flow * 0.98; }
    } else if (slot.role === 'decode') {
      if (requests(slot, t, [5, 22], [0.8, 7])) { share = 0.95 * slot.level + 0.02 * jitter; pressure = 0.64; memBus = 0.86; load.pcieTx += 0.02e9; load.pcieRx += 0.03e9; }
    } else if (slot.role === 'burst') {
      if (requests(slot, t, [0.7, 3.5], [1, 6.5])) { share = 0.82 * slot.level + 0.06 * jitter; pressure = 0.86; memBus = 0.38; load.pcieRx += 0.6e9 * (1 + 0.4 * jitter); load.pcieTx += 0.2e9; }
    } else if (slot.role === 'video') {
      share = 0.09 + 0.02 * jitter; pressure = 0.35; memBus = 0.25;
      slot.encoderShare = 0.52 + 0.06 * jitter;
      slot.decoderShare = 0.34 + 0.05 * jitter;
      load.pcieRx += 0.12e9; load.pcieTx += 0.05e9;
    } else if (slot.role === 'desktop') {
      share = Math.max(0, 0.012 + 0.012 * jitter); pressure = 0.4; memBus = 0.2;
    }
    share = Math.max(0, Math.min(1, share));
    slot.smShare = share;
    slot.memShare = share * memBus;
    load.encoderShare += slot.encoderShare;
    load.decoderShare += slot.decoderShare;
    use(share, pressure, memBus);
  }

  return {
    programs: () => slots,
    step(t, dt) {
      load.busyShare = load.pressure = load.memBusShare = load.memBytes = load.pcieRx = load.pcieTx = load.nvlinkRx = load.nvlinkTx = load.encoderShare = load.decoderShare = 0;
      for (const slot of slots) {
        if (t >= slot.changesAt) {
          if (slot.startedAt === null) {
            slot.pid = newPid();
            slot.startedAt = t;
            slot.changesAt = t + random.between(...slot.facts.runs);
          } else {
            slot.startedAt = null;
            slot.memBytes = slot.smShare = slot.memShare = slot.encoderShare = slot.decoderShare = 0;
            slot.changesAt = t + random.between(...slot.facts.pauses);
          }
        }
        if (slot.startedAt === null) continue;
        slot.memBytes += (slot.facts.memory * capacityBytes - slot.memBytes) * Math.min(1, dt / 2.5);
        load.memBytes += slot.memBytes;
        run(slot, t);
      }
      return load;
    },
  };
}
