import { useState, type KeyboardEvent, type ReactNode } from 'react';
import type { EnvironmentMatrix, GpuTarget, MatrixRow } from '../../../contract/verdict.ts';
import { DeviceMark } from '../../ui/device-mark.tsx';
import { formatWhen } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { stateIcon } from '../../ui/state-mark.tsx';
import { NotReported } from '../../ui/value.tsx';
import { groupTargets, nameColumn, shortTarget, type TargetColumn } from './group-targets.ts';
import { decideFocus } from './walk-matrix.ts';
import { decideWhy, shortPath, splitBuild, verdictWords } from './verdict-words.ts';

export interface MatrixProps {
  readonly matrix: EnvironmentMatrix;
  readonly rows: readonly MatrixRow[];
  readonly targets: readonly GpuTarget[];
  readonly open: { readonly id: string; readonly gpuKey: string | null } | null;
  /** `byKeyboard`: the focus goes where the answer is. */
  onOpen(id: string, gpuKey: string | null, byKeyboard: boolean): void;
}

/** Environments × GPUs: a cell is a button that opens what it stands on. One stop of Tab; arrows walk the cells. */
export function Matrix({ matrix, rows, targets, open, onOpen }: MatrixProps): ReactNode {
  const columns = groupTargets(targets, matrix.rows);
  const [at, setAt] = useState<string | null>(null);
  const first = rows[0] === undefined ? null : cellName(rows[0].id, 0);
  const current = rows.some((r) => at?.startsWith(`${r.id} `)) ? at : first;
  const onKeyDown = (event: KeyboardEvent<HTMLTableElement>): void => {
    if (event.altKey || event.metaKey) return;
    const lines = [...event.currentTarget.querySelectorAll('tbody tr')].map((line) => [...line.querySelectorAll('button')]);
    const row = lines.findIndex((line) => line.some((button) => button === document.activeElement));
    const column = lines[row]?.findIndex((button) => button === document.activeElement) ?? -1;
    if (row < 0 || column < 0) return;
    const next = decideFocus({ row, column }, { rows: lines.length, columns: columns.length + 1 }, event.key, event.ctrlKey);
    if (next === null) return;
    event.preventDefault();
    lines[next.row]?.[next.column]?.focus();
  };
  return (
    <div className="panel">
      <div className="matrix-x" data-many={columns.length > 8 ? 'l' : columns.length > 5 ? 'm' : columns.length > 3 ? 's' : undefined}>
        <table className={`tbl envs${columns.length === 0 ? ' bare' : ''}`} role="grid" aria-label="Environments and GPUs" aria-readonly="true" style={{ '--cols': columns.length } as Record<string, number>} onKeyDown={onKeyDown}>
          <colgroup>
            <col className="c-n" />
            <col className="wide c-path" />
            <col className="c-py" />
            <col className="c-to" />
            {columns.map((c) => <col key={c.key} className="c-v" />)}
            <col className="wide c-why" />
            <col className="wide c-in" />
            <col className="wide c-ch" />
          </colgroup>
          <thead>
            <tr>
              <th scope="col">Environment</th>
              <th scope="col" className="wide">Path</th>
              <th scope="col" className="c-py">Python</th>
              <th scope="col" className="c-to">Torch build</th>
              {columns.map((c) => <ColumnHead key={c.key} column={c} />)}
              <th scope="col" className="wide">Why</th>
              <th scope="col" className="wide">Installed by</th>
              <th scope="col" className="num wide">Changed</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Line key={row.id} row={row} columns={columns} open={open?.id === row.id ? open : null} current={current} onFocus={setAt} onOpen={onOpen} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

const cellName = (id: string, column: number): string => `${id} ${String(column)}`;

function ColumnHead({ column }: { readonly column: TargetColumn }): ReactNode {
  const { target, members } = column;
  const shown = members.length > 3 ? [members[0], members.at(-1)] : members;
  return (
    <th scope="col">
      <span className="gpuhead" title={`${nameColumn(column)}${target.computeCapability === null ? '' : `, compute capability ${target.computeCapability}`}`}>
        {shown.map((m, i) => (m?.index == null ? null : <span key={m.key} className="marks">{i > 0 && members.length > 3 && <span aria-hidden="true">–</span>}<DeviceMark index={m.index} /></span>))}
        <span className="trunc">{plainText(shortTarget(target))}</span>
        {members.length > 1 && <span className="q">×{members.length}</span>}
      </span>
    </th>
  );
}

interface LineProps {
  readonly row: MatrixRow;
  readonly columns: readonly TargetColumn[];
  readonly open: { readonly gpuKey: string | null } | null;
  readonly current: string | null;
  onFocus(cell: string): void;
  onOpen(id: string, gpuKey: string | null, byKeyboard: boolean): void;
}

const proofs: Readonly<Record<MatrixRow['cells'][number]['proved'], { readonly word: string; readonly said: string }>> = {
  no: { word: '', said: '' }, works: { word: 'proved', said: ', proved by kernels' }, fails: { word: 'fails', said: ', failed its proof' }, disagrees: { word: 'disagrees', said: ', and the proof disagrees' },
};

function Line({ row, columns, open, current, onFocus, onOpen }: LineProps): ReactNode {
  const build = row.torch === null ? null : splitBuild(plainText(row.torch));
  const name = plainText(row.name);
  const path = plainText(shortPath(row.prefix));
  const cell = (column: number): { readonly tabIndex: number; onFocus(): void } => ({ tabIndex: current === cellName(row.id, column) ? 0 : -1, onFocus: () => onFocus(cellName(row.id, column)) });
  return (
    <tr aria-selected={open !== null}>
      <th scope="row">
        <button type="button" className="envname" title={plainText(row.prefix)} aria-expanded={open !== null} {...cell(0)} onClick={(e) => onOpen(row.id, null, e.detail === 0)}>
          <span className="nm trunc">{name}{row.inUse > 0 && <span className="tag use">in use</span>}</span>
          <span className="pt trunc">{build !== null && <span className="ptt">{build.version}{build.label} · </span>}{path}</span>
        </button>
      </th>
      <td className="wide q">{path}</td>
      <td className="c-py m">{row.python === null ? <NotReported reason="no interpreter could be read" /> : plainText(row.python)}</td>
      <td className="c-to trunc" title={row.torch === null ? undefined : plainText(row.torch)}>{build === null ? <span className="q">—</span> : <>{build.version}<span className="q">{build.label}</span></>}</td>
      {columns.map((column, i) => {
        const known = row.cells.find((c) => c.gpuKey === column.key);
        if (known === undefined) return <td key={column.key} />;
        const { word, kind } = verdictWords[known.verdict];
        const proof = proofs[known.proved];
        return (
          <td key={column.key} className="vc">
            <button type="button" className={`verdict-cell ${kind ?? 'none'}`} aria-pressed={open !== null && column.members.some((m) => m.key === open.gpuKey)} aria-label={`${name} on ${nameColumn(column)}: ${word}${proof.said}`} title={`${plainText(known.text)}${proof.said}`} {...cell(i + 1)} onClick={(e) => onOpen(row.id, column.key, e.detail === 0)}>
              <span className={`st ${kind ?? 'none'}`}>
                <Icon name={kind === null ? 'none' : stateIcon(kind)} />
                {word}
              </span>
              {known.proved !== 'no' && <span className={`proved ${known.proved}`}>{proof.word}</span>}
            </button>
          </td>
        );
      })}
      <td className="wide m" title={plainText(decideWhy(row))}>{plainText(decideWhy(row))}</td>
      <td className="wide q">{plainText(row.installer ?? '')}</td>
      <td className="num wide q">{row.changedAtMs === null ? '' : formatWhen(row.changedAtMs, Date.now())}</td>
    </tr>
  );
}
