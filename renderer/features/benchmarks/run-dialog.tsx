import { useState, type ReactNode, type SyntheticEvent } from 'react';
import type { BenchmarkInfo } from '../../../contract/benchmarks.ts';
import { useApp, useBenchmarks, useEnvironments, useGpuStore, useModels } from '../../app/context.tsx';
import { goTo } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatCount, formatDuration } from '../../ui/format.ts';
import { NumberField } from '../../ui/number-field.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Select } from '../../ui/select.tsx';
import { AUTOMATIC, estimateSeconds, listCases, listEnvironmentChoices, listModelChoices, listPlaceChoices } from './run-choices.ts';

const MIN_CASE_SECONDS = 0.5;
const MAX_CASE_SECONDS = 600;
const none: readonly never[] = [];

/** What to measure, where, with what, for how long. */
export function RunDialog({ infos, name: first, onClose }: { readonly infos: readonly BenchmarkInfo[]; readonly name: string; onClose(): void }): ReactNode {
  const { benchmarks: store, ui } = useApp();
  const inventory = useGpuStore((s) => valueOf(s.inventory));
  const selection = useGpuStore((s) => s.selection);
  const matrix = useEnvironments((s) => valueOf(s.matrix));
  const models = useModels((s) => valueOf(s.list)?.models) ?? none;
  const problem = useBenchmarks((s) => s.problem);
  const [name, setName] = useState(first);
  const devices = inventory?.devices ?? none;
  const [place, setPlace] = useState(selection.length === 1 ? (selection[0] ?? AUTOMATIC) : AUTOMATIC);
  const [environmentId, setEnvironmentId] = useState(AUTOMATIC);
  const [modelId, setModelId] = useState(AUTOMATIC);
  /** Null: all that fit. */
  const [chosen, setChosen] = useState<ReadonlySet<string> | null>(null);
  const [caseSeconds, setCaseSeconds] = useState<number | null>(null);
  const [busy, setBusy] = useState(false);
  const info = infos.find((i) => i.name === name) ?? infos[0];
  if (info === undefined) return null;
  const places = listPlaceChoices(info, devices);
  const where = places.some((p) => p.value === place) ? place : AUTOMATIC;
  const cases = listCases(info, where, devices.length > 0);
  const picked = chosen === null ? cases : cases.filter((c) => chosen.has(c.id));
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const job = await store.getState().run({
      name: info.name,
      cases: chosen === null ? null : picked.map((c) => c.id),
      place: where === AUTOMATIC ? null : where,
      environmentId: info.engine === 'torch' && environmentId !== AUTOMATIC ? environmentId : null,
      modelId: info.engine === 'llama' && modelId !== AUTOMATIC ? modelId : null,
      caseSeconds,
    });
    setBusy(false);
    if (job === null) return;
    ui.getState().say(`${job.title} is being measured.`);
    goTo('benchmarks', info.name);
    onClose();
  };
  return (
    <Dialog label="Run a benchmark" className="ask brun" onClose={onClose}>
      <h2>Run a benchmark</h2>
      <form onSubmit={(e) => void submit(e)}>
        <div className="bform">
          <span className="k">Benchmark</span>
          <Select label="Benchmark to run" value={info.name} options={infos.map((i) => ({ value: i.name, text: i.title }))} onChange={(n) => { setName(n); setChosen(null); }} />
          <p className="sub wide2">{info.what}</p>
          <span className="k">Where</span>
          <Select label="Place" value={where} options={places} onChange={setPlace} />
          {info.engine === 'torch' ? (
            <>
              <span className="k">Environment</span>
              <Select label="Environment" value={environmentId} options={listEnvironmentChoices(matrix, where)} onChange={setEnvironmentId} />
              <p className="sub wide2">The environment’s own Python and PyTorch are started. Its code runs.</p>
            </>
          ) : (
            <>
              <span className="k">Model</span>
              <Select label="Model" value={modelId} options={listModelChoices(models)} onChange={setModelId} />
            </>
          )}
          <span className="k">Time</span>
          <span><NumberField label="Seconds for a case" value={caseSeconds} unit="s" min={MIN_CASE_SECONDS} max={MAX_CASE_SECONDS} placeholder="auto" optional onChange={setCaseSeconds} /></span>
          <p className="sub wide2">At most, for each case; empty leaves it to the engine. A case ends sooner when its 95 % interval is narrow enough.</p>
        </div>
        <fieldset className="bcases">
          <legend>Cases</legend>
          <label><input type="checkbox" checked={chosen === null} onChange={(e) => setChosen(e.target.checked ? null : new Set())} /> All that fit the place</label>
          {chosen !== null && (
            <div className="blist" tabIndex={0} role="group" aria-label="Cases to measure">
              {cases.map((c) => (
                <label key={c.id}>
                  <input type="checkbox" checked={chosen.has(c.id)} onChange={(e) => setChosen(new Set(e.target.checked ? [...chosen, c.id] : [...chosen].filter((id) => id !== c.id)))} /> {c.title}
                </label>
              ))}
            </div>
          )}
        </fieldset>
        {problem !== null && <ProblemNote problem={problem} />}
        <footer>
          <span className="sub est-run">{picked.length === 0 ? 'Choose at least one case.' : <>{chosen === null ? '' : `${formatCount(picked.length, 'case')}, `}<span className="est">{formatDuration(estimateSeconds(info, picked.length, caseSeconds))}</span></>}</span>
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" className="btn primary" disabled={busy || picked.length === 0}>Run</button>
        </footer>
      </form>
    </Dialog>
  );
}
