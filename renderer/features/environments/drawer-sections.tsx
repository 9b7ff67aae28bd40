import type { ReactNode } from 'react';
import type { FoundEnvironment, TorchPin } from '../../../contract/environments.ts';
import type { CompanionState, EnvironmentReport, Proof } from '../../../contract/verdict.ts';
import { formatCount, formatDeviceName, formatDuration, formatWhen } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { stateIcon } from '../../ui/state-mark.tsx';
import { placeText, verdictWords } from './verdict-words.ts';

/** What follows torch: first what does not fit; NVIDIA's libraries that fit are one line. */
export function CompanionSection({ companions, say }: { readonly companions: readonly CompanionState[]; say(text: string): string }): ReactNode {
  if (companions.length === 0) return null;
  const quiet = companions.filter((c) => c.state === 'fine' && c.name.startsWith('nvidia-'));
  const told = companions.filter((c) => !quiet.includes(c)).sort((a, b) => badness.indexOf(a.state) - badness.indexOf(b.state));
  return (
    <section>
      <h3>Companions<span className="sub">{companions.length} follow torch</span></h3>
      <ul className="list">
        {told.map((c) => (
          <li key={c.name} className="companion">
            <span className="trunc" title={plainText(c.name)}>{plainText(c.name)}</span>
            <span className="m trunc" title={plainText(c.version)}>{plainText(c.version)}</span>
            <span className={`st ${c.state}`}><Icon name={stateIcon(c.state)} /><span className="why">{say(c.text)}</span></span>
          </li>
        ))}
        {quiet.length > 0 && (
          <li className="companion" title={quiet.map((c) => `${c.name} ${c.version}`).join('\n')}>
            <span className="trunc">{formatCount(quiet.length, 'NVIDIA library', 'NVIDIA libraries')}</span>
            <span className="m" />
            <span className="st fine"><Icon name={stateIcon('fine')} /><span className="why">{quiet.length === 1 ? 'matches' : 'all match'}</span></span>
          </li>
        )}
      </ul>
    </section>
  );
}

const badness: readonly CompanionState['state'][] = ['problem', 'attention', 'unknown', 'fine'];

const stepWords: Readonly<Record<Proof['steps'][number]['state'], { readonly word: string; readonly kind: 'fine' | 'problem' | 'unknown' }>> = {
  passed: { word: 'right', kind: 'fine' }, failed: { word: 'failed', kind: 'problem' }, crashed: { word: 'crashed', kind: 'problem' }, hung: { word: 'hung', kind: 'problem' }, wrong: { word: 'wrong numbers', kind: 'problem' }, not_offered: { word: 'not offered', kind: 'unknown' }, skipped: { word: 'left out', kind: 'unknown' },
};

/** What kernels really did, step by step. */
export function ProofSection({ proofs }: { readonly proofs: readonly Proof[] }): ReactNode {
  return proofs.map((proof) => (
    <section key={proof.id}>
      <h3>Proof on the {formatDeviceName(proof.gpuName)}<span className="sub">{formatWhen(proof.atMs, Date.now())}, {formatDuration(proof.tookMs / 1000)}</span></h3>
      <p className="note">{proof.works ? 'Kernels ran and were right.' : 'It does not work.'} Predicted: {verdictWords[proof.predicted].word}{proof.agrees ? ', as it turned out.' : '. Prediction and proof disagree: trust the proof.'}</p>
      <ul className="list">
        {proof.steps.map((s) => (
          <li key={s.name} className="step">
            <span>{s.name.replaceAll('_', ' ')}</span>
            <span className={`st ${stepWords[s.state].kind}`}><Icon name={stateIcon(stepWords[s.state].kind)} />{stepWords[s.state].word}</span>
            <span className="q trunc" title={s.text === null ? undefined : plainText(s.text)}>{s.error !== null ? `error ${s.error.toExponential(1)}, allowed ${s.tolerance?.toExponential(1) ?? '—'}` : plainText(s.text ?? '')}</span>
          </li>
        ))}
      </ul>
    </section>
  ));
}

/** Lines of files, and requirements of packages, that ask for the old torch. */
export function PinSection({ pins, environment }: { readonly pins: readonly TorchPin[]; readonly environment: Pick<FoundEnvironment, 'prefix' | 'packageFolders'> }): ReactNode {
  if (pins.length === 0) return null;
  return (
    <section>
      <h3>Pins that would undo a repair<span className="sub">{pins.length}</span></h3>
      <ul className="list">
        {pins.map((p, i) => (
          <li key={i} className="pin">
            {p.source === 'package' ? (
              <span className="trunc" title={plainText(p.file)}>{plainText(p.package)} <span className="q">requires</span></span>
            ) : (
              <span className="trunc" title={plainText(p.file)}><span className="mono">{plainText(p.file.split(/[/\\]/).at(-1) ?? p.file)}</span> <span className="q">{p.line === null ? plainText(placeText(p.file, environment)) : `line ${p.line}`}</span></span>
            )}
            <code>{plainText(p.source === 'package' ? p.specifier : `${p.package}${p.specifier}`)}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function UseSection({ users }: { readonly users: EnvironmentReport['usedBy'] }): ReactNode {
  if (users.length === 0) return null;
  return (
    <section>
      <h3>In use by<span className="sub">{users.length}</span></h3>
      <ul className="list">
        {users.map((u) => (
          <li key={u.pid} className="pin">
            <span className="trunc" title={plainText(u.command)}>{plainText(u.command)} <span className="q">({u.pid}){u.user === null ? '' : `, ${plainText(u.user)}`}{u.onGpu ? ', on a GPU' : ''}</span></span>
            <span className="m">{u.sinceMs === null ? '—' : formatDuration((Date.now() - u.sinceMs) / 1000)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
