import type { GpuProcess, RawProcess } from '../../../contract/gpu.ts';
import type { ProcessFacts } from './read-process.ts';

export interface IdentityFacts {
  /** Of the process with this pid here; null when there is none. */
  readonly facts: ProcessFacts | null;
  readonly userName: string | null;
  /** False in a container with pids of its own: a pid of the driver may be another process here. */
  readonly initialNamespace: boolean;
  readonly holdsGpu: boolean;
  /** A signal-0 test says that it exists although /proc hides it. */
  readonly hidden: boolean;
  readonly ownUid: number | null;
  readonly ownPid: number;
  readonly platform: NodeJS.Platform;
  /** The source's own devices are not this machine's. */
  readonly simulated: boolean;
}

const unknown = { user: null, command: null, executable: null, hostMemBytes: null, startedAtMs: null, startTicks: null, environment: null, torchVerdict: null } as const;

/** Who a process of the driver's list is here, and whether it may be ended from here. */
export function decideIdentity(raw: RawProcess, about: IdentityFacts): GpuProcess {
  const { user, command, startedAtMs, ...measured } = raw;
  const base = { ...measured, ...unknown };
  const no = (identity: GpuProcess['identity'], whyNot: string): GpuProcess => ({ ...base, identity, canTerminate: false, whyNot });
  if (about.simulated) {
    return { ...base, user: user ?? null, command: command ?? null, startedAtMs: startedAtMs ?? null, identity: 'foreign', canTerminate: false, whyNot: 'This process is simulated or recorded: its number here is somebody else.' };
  }
  if (about.platform !== 'linux') return no('local', 'On this system the identity of a process cannot be checked, so nothing is ended from here.');
  const { facts } = about;
  if (!about.initialNamespace && (facts === null || !about.holdsGpu)) return no('host', 'The driver names a process of the host, which this container cannot see. End it on the host.');
  if (facts === null) return about.hidden ? no('foreign', 'It belongs to another user, and this system hides it.') : no('gone', 'It has ended.');
  const seen = { ...base, user: about.userName, command: facts.command, executable: facts.executable, hostMemBytes: facts.hostMemBytes, startedAtMs: facts.startedAtMs, startTicks: facts.startTicks };
  if (facts.pid <= 1) return { ...seen, identity: 'local', canTerminate: false, whyNot: 'The first process of a system is never ended from here.' };
  if (facts.pid === about.ownPid) return { ...seen, identity: 'local', canTerminate: false, whyNot: 'This is Warpdeck itself.' };
  if (about.ownUid !== 0 && facts.uid !== about.ownUid) return { ...seen, identity: 'foreign', canTerminate: false, whyNot: `It belongs to ${about.userName ?? 'another user'}.` };
  return { ...seen, identity: 'local', canTerminate: true, whyNot: null };
}
