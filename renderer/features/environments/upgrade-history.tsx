import type { ReactNode } from 'react';
import type { Upgrade } from '../../../contract/upgrades.ts';
import { useApp, useUpgrades } from '../../app/context.tsx';
import { hrefOf } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes, formatCount, formatWhen } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { Panel } from '../../ui/panel.tsx';
import { StateMark, type StateKind } from '../../ui/state-mark.tsx';
import { Value } from '../../ui/value.tsx';

const states: Readonly<Record<Upgrade['state'], { readonly word: string; readonly kind: StateKind }>> = {
  running: { word: 'runs', kind: 'pending' }, committed: { word: 'kept', kind: 'fine' }, rolled_back: { word: 'put back', kind: 'attention' }, failed: { word: 'failed', kind: 'problem' }, undone: { word: 'undone', kind: 'unknown' },
};
const kinds: Readonly<Record<Upgrade['kind'], string>> = { upgrade: 'repair', rollback: 'undo', put_back: 'put back' };

/** The journal: what was changed here, and what of it can be undone. */
export function UpgradeHistory({ nowMs }: { readonly nowMs: number }): ReactNode {
  const { upgrades: store, shell } = useApp();
  const list = useUpgrades((s) => valueOf(s.list)) ?? [];
  if (list.length === 0) return null;
  const forget = async (u: Upgrade): Promise<void> => {
    const yes = await shell.confirm({ title: `Give back the snapshot of ${plainText(u.environmentName)}`, detail: `The change from ${u.fromTorch ?? 'no torch'} to ${u.toTorch ?? 'no torch'} can then no longer be undone.`, confirmLabel: 'Give back the disk' });
    if (yes) await store.getState().forget(u.id);
  };
  return (
    <Panel title="Changes" sub={`${formatCount(list.length, 'change')}, newest first`} className="changes">
      <div className="scrollx">
        <table className="tbl">
          <colgroup><col className="c-when" /><col /><col className="c-what" /><col /><col /><col className="c-state" /><col className="c-snap" /><col className="c-acts" /></colgroup>
          <thead>
            <tr><th scope="col">When</th><th scope="col">Environment</th><th scope="col">What</th><th scope="col">From</th><th scope="col">To</th><th scope="col">State</th><th scope="col" className="num">Snapshot</th><th scope="col"><span className="sr">Undo</span></th></tr>
          </thead>
          <tbody>
            {list.map((u) => (
              <tr key={u.id}>
                <td className="q">{formatWhen(u.startedAtMs, nowMs)}</td>
                <td className="trunc"><a href={hrefOf('environments', u.environmentId)}>{plainText(u.environmentName)}</a></td>
                <td>{kinds[u.kind]}</td>
                <td title={u.fromTorch ?? undefined}>{u.fromTorch ?? '—'}</td>
                <td title={u.toTorch ?? undefined}>{u.toTorch ?? '—'}</td>
                <td title={u.problem === null ? undefined : `${u.problem.title}. ${u.problem.cause}`}><StateMark kind={states[u.state].kind}>{states[u.state].word}</StateMark></td>
                <td className="num">{u.snapshotBytes === null ? '—' : <Value of={formatBytes(u.snapshotBytes)} />}</td>
                <td className="acts">
                  {u.state === 'running' && <a className="btn s" href={`${hrefOf('environments', u.environmentId)}?do=${u.kind === 'upgrade' ? 'repair' : 'undo'}`}>Open</a>}
                  {u.canUndo && <a className="btn s" href={`${hrefOf('environments', u.environmentId)}?do=undo&upgrade=${encodeURIComponent(u.id)}`} aria-label={`Undo the ${kinds[u.kind]} of ${plainText(u.environmentName)}`}>Undo</a>}
                  {u.canUndo && <Button small look="bare" icon="x" label={`Give back the snapshot of ${plainText(u.environmentName)}`} onClick={() => void forget(u)} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
