import type { GpuTarget, MatrixRow } from '../../../contract/verdict.ts';
import { formatDeviceName } from '../../ui/format.ts';

/** A column of the matrix: one GPU, or several of one kind that every environment serves alike. */
export interface TargetColumn {
  /** Key of the first. */
  readonly key: string;
  readonly target: GpuTarget;
  readonly members: readonly GpuTarget[];
}

/** GPUs of one name and capability share a column as long as no environment treats them differently. Pure. */
export function groupTargets(targets: readonly GpuTarget[], rows: readonly Pick<MatrixRow, 'cells'>[]): readonly TargetColumn[] {
  const columns: { key: string; target: GpuTarget; members: GpuTarget[] }[] = [];
  const said = (row: Pick<MatrixRow, 'cells'>, key: string): string => {
    const cell = row.cells.find((c) => c.gpuKey === key);
    return cell === undefined ? '' : `${cell.verdict} ${cell.proved}`;
  };
  for (const target of targets) {
    const same = columns.find(({ target: t }) => t.index !== null && target.index !== null && t.name === target.name && t.computeCapability === target.computeCapability && t.tegra === target.tegra && rows.every((row) => said(row, t.key) === said(row, target.key)));
    if (same === undefined) columns.push({ key: target.key, target, members: [target] });
    else same.members.push(target);
  }
  return columns;
}

/** What a GPU is called at the head of its column: one that is no product is called as it was named. Pure. */
export function shortTarget(target: GpuTarget): string {
  return target.source === 'given' ? target.key : formatDeviceName(target.name);
}

/** What a column is called aloud: `RTX 5090`, `8 H200 (GPUs 0 to 7)`. Pure. */
export function nameColumn({ target, members }: TargetColumn): string {
  const name = shortTarget(target);
  if (members.length === 1) return name;
  const indexes = members.flatMap((m) => (m.index === null ? [] : [m.index]));
  const row = indexes.every((n, i) => i === 0 || n === (indexes[i - 1] ?? 0) + 1);
  return `${String(members.length)} ${name} (GPUs ${row ? `${String(indexes[0])} to ${String(indexes.at(-1))}` : indexes.join(', ')})`;
}
