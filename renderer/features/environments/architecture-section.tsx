import type { ReactNode } from 'react';
import type { TorchFacts } from '../../../contract/environments.ts';
import type { GpuTarget, VerdictCell } from '../../../contract/verdict.ts';
import { formatBytes, formatCount } from '../../ui/format.ts';
import { GpuLine } from './gpu-line.tsx';

export interface ArchChip {
  readonly arch: string;
  readonly state: 'there' | 'used' | 'missing';
}

/** The build's architectures, and what a GPU would need and does not find. Pure. */
export function decideChips(archs: readonly string[], cells: readonly VerdictCell[], targets: readonly GpuTarget[]): readonly ArchChip[] {
  const number = (arch: string): number => Number(/\d+/.exec(arch)?.[0] ?? 0);
  const used = new Set(cells.flatMap((c) => (c.verdict === 'native' || c.verdict === 'jit' ? c.text.match(/\b(?:sm|compute)_\d+[af]?\b/g) ?? [] : [])));
  const missing = cells.flatMap((c) => {
    const target = targets.find((t) => t.key === c.gpuKey);
    return c.verdict === 'incompatible' && target?.computeCapability != null ? [`sm_${target.computeCapability.replace('.', '')}`] : [];
  });
  return [
    ...archs.map((arch): ArchChip => ({ arch, state: used.has(arch) ? 'used' : 'there' })),
    ...[...new Set(missing)].filter((arch) => !archs.includes(arch)).map((arch): ArchChip => ({ arch, state: 'missing' })),
  ].sort((a, b) => number(a.arch) - number(b.arch));
}

export function ArchitectureSection({ torch, cells, targets, shown }: { readonly torch: TorchFacts; readonly cells: readonly VerdictCell[]; readonly targets: readonly GpuTarget[]; readonly shown: VerdictCell | null }): ReactNode {
  const archs = torch.flags ?? torch.census ?? [];
  const chips = decideChips(archs, cells, targets);
  const missing = chips.filter((c) => c.state === 'missing').length;
  const main = torch.libraries.reduce<TorchFacts['libraries'][number] | null>((best, lib) => (best === null || lib.containers > best.containers ? lib : best), null);
  const agree = torch.flags !== null && torch.census !== null ? [...torch.flags].sort().join() === [...torch.census].sort().join() : null;
  return (
    <section>
      <h3>Architectures in the build<span className="sub">{archs.length} found{missing > 0 ? `, ${missing} missing` : ''}</span></h3>
      {chips.length > 0 ? (
        <ul className="archs">
          {chips.map((c) => <li key={c.arch} className={`arch${c.state === 'used' ? ' use' : c.state === 'missing' ? ' miss' : ''}`}>{c.arch}{c.state === 'missing' && ' missing'}</li>)}
        </ul>
      ) : (
        <p className="note">{torch.build === 'cpu' ? 'A CPU build has none.' : 'None could be read.'}</p>
      )}
      <ul className="list gpulines">
        {cells.map((cell) => {
          const target = targets.find((t) => t.key === cell.gpuKey);
          return target === undefined ? null : <GpuLine key={cell.gpuKey} target={target} cell={cell} />;
        })}
      </ul>
      <dl className="kv">
        {torch.flagsFile !== null && <><dt>Read from</dt><dd><span className="mono">{torch.flagsFile.split(/[/\\]/).at(-1)}</span> <span className="q">flags</span></dd></>}
        {main !== null && <><dt>{agree === null ? 'Read from' : agree ? 'Agrees with' : 'Differs from'}</dt><dd><span className="mono">{main.path.split(/[/\\]/).at(-1)}</span> <span className="q">{formatBytes(main.sizeBytes).text} {formatBytes(main.sizeBytes).unit}, {formatCount(main.containers, 'container')}</span></dd></>}
        {shown !== null && shown.gaps.length > 0 && <><dt>Gaps</dt><dd>{shown.gaps.join(', ')}</dd></>}
      </dl>
    </section>
  );
}
