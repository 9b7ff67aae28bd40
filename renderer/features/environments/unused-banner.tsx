import './unused-banner.css';
import type { ReactNode } from 'react';
import { isFinding, type EnvironmentMatrix, type GpuTarget, type MatrixRow } from '../../../contract/verdict.ts';
import { useEnvironments } from '../../app/context.tsx';
import { hrefOf } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { formatCount, formatDeviceName } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';

/** A GPU that no environment with torch can use, while a repair of at least one would change that. Pure. */
export function findUnusedGpus(matrix: EnvironmentMatrix): readonly { readonly target: GpuTarget; readonly rows: readonly MatrixRow[] }[] {
  if (matrix.state !== 'ready') return [];
  return matrix.targets.flatMap((target) => {
    const withTorch = matrix.rows.filter((row) => row.cells.some((c) => c.gpuKey === target.key && c.verdict !== 'no_torch'));
    const blocked = withTorch.filter((row) => row.cells.some((c) => c.gpuKey === target.key && isFinding(c.verdict) && c.verdict !== 'library_gap'));
    const repairable = blocked.filter((row) => row.cells.some((c) => c.gpuKey === target.key && c.repairable));
    return withTorch.length > 0 && blocked.length === withTorch.length && repairable.length > 0 ? [{ target, rows: repairable }] : [];
  });
}

/** Above the monitor: a GPU lies idle for a reason that can be repaired. */
export function UnusedBanner(): ReactNode {
  const matrix = useEnvironments((s) => valueOf(s.matrix));
  if (matrix === null) return null;
  return findUnusedGpus(matrix).map(({ target, rows }) => {
    const [first] = rows;
    return (
      <section key={target.key} className="unused" aria-label="A GPU is not used">
        <p>
          <b>No PyTorch here can use the {plainText(formatDeviceName(target.name))}.</b> {formatCount(rows.length, 'environment')} can be repaired: {rows.map((r) => plainText(r.name)).slice(0, 3).join(', ')}{rows.length > 3 ? ' and others' : ''}.
        </p>
        {first !== undefined && <a className="btn" href={rows.length === 1 ? hrefOf('environments', first.id) : hrefOf('environments')}>Show</a>}
      </section>
    );
  });
}
