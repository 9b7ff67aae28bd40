import { useState, type ReactNode } from 'react';
import type { Device, GpuProcess, TerminatePlan } from '../../../contract/gpu.ts';
import { useApp } from '../../app/context.tsx';
import { problemFrom } from '../../connection/problem-from.ts';
import { formatDeviceName, formatGib } from '../../ui/format.ts';
import { Tip } from '../../ui/tip.tsx';

/** Short name of a command: `/usr/bin/python3 train.py` is `python3`. */
function shortCommand(command: string): string {
  return (command.split(/\s+/)[0] ?? command).split(/[\\/]/).at(-1) ?? command;
}

/** What the confirmation says: who, whose, where, and what is lost. Pure. */
export function decideQuestion(plan: TerminatePlan, devices: ReadonlyMap<string, Device>): { readonly title: string; readonly detail: string; readonly confirmLabel: string } {
  const name = `${shortCommand(plan.command)} (${plan.pid})`;
  const gpus = plan.gpus.map((uuid) => {
    const d = devices.get(uuid);
    return d ? `GPU ${d.index}, ${formatDeviceName(d.name)}` : uuid;
  });
  const memory = plan.memUsedBytes === null ? '' : ` It holds ${formatGib(plan.memUsedBytes).text} GiB there.`;
  const how = plan.signal === 'TERM' ? 'It is asked to end and may still save its work; what it has not saved is lost.' : 'It is ended at once; what it has not saved is lost.';
  const command = plan.command.length > 240 ? `${plan.command.slice(0, 240)}…` : plan.command;
  return { title: `Terminate ${name}?`, detail: `${command}${plan.user === null ? '' : `, of ${plan.user}`}, on ${gpus.join(' and ')}.${memory} ${how}`, confirmLabel: `Terminate ${name}` };
}

/** Plan, confirmation, application. Where it cannot be done, the reason is on the button. */
export function TerminateButton({ process, devices }: { readonly process: GpuProcess; readonly devices: ReadonlyMap<string, Device> }): ReactNode {
  const { client, shell, ui } = useApp();
  const [pending, setPending] = useState(false);
  const name = `${shortCommand(process.command ?? 'process')} (${process.pid})`;
  if (!process.canTerminate) {
    return (
      <Tip text={process.whyNot ?? 'It cannot be ended from here.'}>
        {(tip) => (
          <span tabIndex={0} role="button" aria-disabled="true" className="btn bare s off" aria-label={`Terminate ${name}, not possible: ${process.whyNot ?? ''}`} {...tip}>
            Terminate…
          </span>
        )}
      </Tip>
    );
  }
  const run = async (): Promise<void> => {
    setPending(true);
    try {
      const plan = await client.gpus.planTerminate({ pid: process.pid, startTicks: process.startTicks, signal: 'TERM' });
      if (!(await shell.confirm(decideQuestion(plan, devices)))) return;
      await client.gpus.terminate({ planId: plan.planId });
      ui.getState().say(`${name} was asked to end.`);
    } catch (error) {
      ui.getState().complain(problemFrom(error));
    } finally {
      setPending(false);
    }
  };
  return (
    <button type="button" className="btn bare s" disabled={pending} title={`Terminate ${name}`} aria-label={`Terminate ${name}…`} onClick={() => void run()}>
      {pending ? 'Asking…' : 'Terminate…'}
    </button>
  );
}
