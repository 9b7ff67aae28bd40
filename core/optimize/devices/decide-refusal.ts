import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { PrivilegeWay } from './decide-privilege.ts';

export interface Refusal {
  readonly gpu: string;
  readonly setting: string;
  /** The plain command, for people. */
  readonly command: string;
  readonly way: PrivilegeWay;
  /** What was said, nvidia-smi's and sudo's or pkexec's. */
  readonly text: string;
  readonly exitCode: number | null;
}

/** nvidia-smi ends with 0 where it "treats as warning and moves on": only its words say that nothing was set. */
export const soundsRefused = (text: string): boolean => /treating as warning|insufficient permissions|not supported|not a valid|unable to (?:set|determine)|gpu is lost|no devices were found|terminating early/i.test(text);

const tidy = (text: string): string => {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !/^(?:all done\.?|treating as warning.*|terminating early.*)$/i.test(line));
  return (lines.slice(-3).join(' ') || 'it said nothing').slice(0, 400);
};

/** Why a setting was not taken, and what helps. Pure. */
export function decideRefusal({ gpu, setting, command, way, text, exitCode }: Refusal): Problem {
  const detail = tidy(text);
  const refused = (remedy: string): Problem => makeProblem('device.refused', { command, detail: /[.!?]$/.test(detail) ? detail : `${detail}.`, remedy });
  if (/gpu is lost|unable to determine the device handle|no devices were found/i.test(text)) return refused('The driver has lost the GPU. Save your work and start the machine again.');
  if (/is not supported|not supported for/i.test(text)) return makeProblem('device.not_supported', { setting, gpu, detail });
  if (way === 'pkexec' && (exitCode === 126 || exitCode === 127) && !/insufficient/i.test(text)) return refused('Nothing was changed, because the consent was not given. Try again and confirm the system’s question.');
  if (way === 'uac' && /cancel/i.test(text)) return refused('Nothing was changed, because the consent was not given. Try again and confirm the question of Windows.');
  if (way === 'sudo' && /password|a terminal is required|not in the sudoers|may not run/i.test(text)) return refused(`Run it yourself in a terminal: sudo ${command}`);
  if (/insufficient permissions|permission denied/i.test(text)) return refused('In a container the host must allow it; elsewhere an administrator must run the command.');
  if (/not a valid power limit/i.test(text)) return refused('Choose a value within the limits that it names.');
  return refused('Nothing was changed. Try again, or run the command yourself to see what it says.');
}
