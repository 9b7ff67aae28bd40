/** What decides how a program gets the rights of an administrator here. */
export interface PrivilegeFacts {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  /** A graphical session: somebody can answer a dialog. */
  readonly hasDesktop: boolean;
  readonly hasPkexec: boolean;
  readonly hasSudo: boolean;
  /** The driver is the simulation's, which asks for no rights. */
  readonly simulated: boolean;
}

/** `direct`: nothing is needed; `pkexec` and `uac` show the system's own dialog; `sudo` never asks (-n): its ticket or rule must be there. */
export type PrivilegeWay = 'direct' | 'pkexec' | 'sudo' | 'uac';
export type PrivilegeDecision = { readonly way: PrivilegeWay; readonly note: string | null } | { readonly way: null; readonly whyNot: string };

/** Which of the system's own ways is taken. Passwords are never ours to ask for. */
export function decidePrivilege(facts: PrivilegeFacts): PrivilegeDecision {
  if (facts.simulated) return { way: 'direct', note: null };
  if (facts.platform === 'win32') return { way: 'uac', note: 'Windows asks for your consent first.' };
  if (facts.platform !== 'linux') return { way: null, whyNot: 'Settings of a GPU are changed on Linux and Windows only.' };
  if (facts.isRoot) return { way: 'direct', note: null };
  if (facts.hasDesktop && facts.hasPkexec) return { way: 'pkexec', note: 'The system asks for an administrator’s password first.' };
  if (facts.hasSudo) return { way: 'sudo', note: 'It is done by sudo without asking: it works where sudo needs no password.' };
  return { way: null, whyNot: facts.hasPkexec ? 'It needs an administrator’s rights; there is no desktop session to ask in, and no sudo.' : 'It needs an administrator’s rights, and neither pkexec nor sudo is installed.' };
}
