import { useState, type ReactNode } from 'react';
import type { GpuTruth, TruthCheck } from '../../../../contract/inference.ts';
import { useGpuStore } from '../../../app/context.tsx';
import { valueOf } from '../../../connection/remote.ts';
import { deviceColour } from '../../../ui/device-mark.tsx';
import { formatWhen } from '../../../ui/format.ts';
import { Icon, type IconName } from '../../../ui/icons.tsx';
import { plainText } from '../../../ui/plain-text.ts';
import { shortNames } from '../../../ui/short-names.ts';
import { ProblemActions } from '../../../app/problem-actions.tsx';

const looks: Readonly<Record<GpuTruth['colour'], { readonly icon: IconName; readonly ink: string }>> = {
  green: { icon: 'ok', ink: 'var(--fine)' },
  amber: { icon: 'warn', ink: 'var(--attention)' },
  red: { icon: 'bad', ink: 'var(--problem)' },
  grey: { icon: 'unk', ink: 'var(--ink-2)' },
};

const checkNames: Readonly<Record<TruthCheck['check'], string>> = {
  backend: 'Build of llama.cpp',
  device: 'Device',
  layers: 'Layers',
  process_memory: 'Memory of its process',
  power: 'Power while it wrote',
  load: 'Load while it wrote',
  shared_memory: 'Shared memory',
};

/** More strips than this are drawn as shares. */
const STRIPS = 128;

/** The colour of each layer's strip: by GPU in the order of placement, none for the processor. Pure. */
export function decideStrips(truth: Pick<GpuTruth, 'layers' | 'placed'>, indexOf: (uuid: string) => number | null): readonly (number | null)[] {
  const layers = Math.min(10_000, Math.max(0, truth.layers));
  const strips: (number | null)[] = [];
  for (const place of truth.placed) {
    if (place.uuid === null) continue;
    for (let i = 0; i < place.layers && strips.length < layers; i++) strips.push(indexOf(place.uuid) ?? 0);
  }
  while (strips.length < layers) strips.push(null);
  if (strips.length <= STRIPS) return strips;
  return Array.from({ length: STRIPS }, (_, i) => strips[Math.floor((i * strips.length) / STRIPS)] ?? null);
}

/** Where the model really is: what the engine says, checked against what the driver sees. A click shows the checks. */
export function TruthBadge({ truth, then }: { readonly truth: GpuTruth; /** It is of an answer that is over, not of now. */ readonly then: boolean }): ReactNode {
  const [open, setOpen] = useState(false);
  const devices = useGpuStore((s) => valueOf(s.inventory)?.devices);
  const look = looks[truth.colour];
  const strips = decideStrips(truth, (uuid) => devices?.find((d) => d.uuid === uuid)?.index ?? null);
  const say = (text: string): string => plainText(shortNames(text, truth.placed.map((p) => p.name)));
  return (
    <section className={`truth ${truth.colour}`} style={{ '--c': look.ink } as Record<string, string>} aria-label="Where the model runs">
      <h2 className="t">
        <Icon name={look.icon} />
        {say(truth.title)}
      </h2>
      <p>{say(truth.sentence)}{then && <span className="q"> As it was {formatWhen(truth.atMs, Date.now())}.</span>}</p>
      {strips.length > 0 && (
        <div className="layers" role="img" aria-label={`${truth.layersOnGpu} of ${truth.layers} layers on the GPU`}>
          {strips.map((index, i) => <i key={i} style={index === null ? undefined : ({ '--c2': deviceColour(index) } as Record<string, string>)} />)}
        </div>
      )}
      {truth.problem && (
        <>
          <p>{say(truth.problem.cause)} {say(truth.problem.remedy)}</p>
          <ProblemActions problem={truth.problem} bare />
        </>
      )}
      {truth.checks.length > 0 && (
        <button type="button" className="linklike checksbtn" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? 'Hide the checks' : `How this is known (${truth.checks.length})`}</button>
      )}
      {open && (
        <dl className="checks">
          {truth.checks.map((c) => (
            <div key={c.check}>
              <dt><Icon name={c.agrees === null ? 'unk' : c.agrees ? 'ok' : 'bad'} small label={c.agrees === null ? 'could not be told' : c.agrees ? 'agrees' : 'does not agree'} className={c.agrees === null ? '' : c.agrees ? 'ok' : 'no'} />{checkNames[c.check]}</dt>
              <dd>{say(c.found)}{c.agrees === true ? '' : <span className="q"> expected: {say(c.expected)}</span>}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
