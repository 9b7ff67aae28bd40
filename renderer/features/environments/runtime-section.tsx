import type { ReactNode } from 'react';
import type { TorchFacts } from '../../../contract/environments.ts';
import type { GpuTarget, VerdictWord } from '../../../contract/verdict.ts';
import { useEnvironments } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { formatDeviceName } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { decideRuntimeAxis, decideRuntimeWords } from './runtime-axis.ts';

/** Driver, build and GPU on one axis of CUDA versions. */
export function RuntimeSection({ torch, target, verdict }: { readonly torch: TorchFacts; readonly target: GpuTarget; readonly verdict: VerdictWord }): ReactNode {
  const driver = useEnvironments((s) => valueOf(s.whatIf === null ? s.matrix : s.judged)?.driver ?? null);
  const axis = decideRuntimeAxis({ driver: driver?.cudaVersion ?? null, build: torch.cuda, capability: target.computeCapability });
  if (axis === null) return null;
  const place = (value: number): number => ((value - axis.low) / (axis.high - axis.low)) * 100;
  const at = (value: number): string => `${place(value).toFixed(1)}%`;
  const gpu = plainText(formatDeviceName(target.name));
  const version = driver?.version == null ? '' : ` ${plainText(driver.version)}`;
  const words = [
    axis.driver === null ? null : `the driver${version} is of CUDA ${axis.driver.toFixed(1)}`,
    axis.needs === null ? null : `the ${gpu} needs a build of ${axis.needs.toFixed(1)} or newer`,
    axis.build === null ? null : `this build is of ${axis.build.toFixed(1)}`,
  ].filter((w) => w !== null).join('; ');
  const right = axis.build !== null && place(axis.build) > 62;
  return (
    <section>
      <h3>Driver and runtime<span className="sub">CUDA version</span></h3>
      <div className="rtaxis" role="img" aria-label={`CUDA versions: ${words}`}>
        <div className="rtgrid">{axis.ticks.map((t) => <i key={t} style={{ left: at(t) }} />)}</div>
        {axis.driver !== null && <div className="rtrow"><i className="bar" style={{ left: 0, width: at(axis.driver) }} /><span>driver{version}: CUDA {axis.driver.toFixed(1)}</span></div>}
        {axis.needs !== null && <div className="rtrow need"><i className="bar" style={{ left: at(axis.needs), right: 0 }} /><span>{gpu} needs ≥ {axis.needs.toFixed(1)}</span></div>}
        {axis.build !== null && <div className={`rtrow build${axis.needs !== null && axis.build < axis.needs ? ' bad' : ''}`}><i className="mark" style={{ left: at(axis.build) }} /><span style={right ? { display: 'block', textAlign: 'right', paddingRight: `calc(${(100 - place(axis.build)).toFixed(1)}% + 10px)` } : { paddingLeft: `calc(${at(axis.build)} + 12px)` }}>this build: {axis.build.toFixed(1)}</span></div>}
        <div className="rtticks">{axis.ticks.map((t) => <span key={t} style={{ left: at(t) }}>{t.toFixed(1)}</span>)}</div>
      </div>
      {decideRuntimeWords(axis, verdict) !== null && <p className="note">{decideRuntimeWords(axis, verdict)}</p>}
    </section>
  );
}
