import './benchmarks.css';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { BenchmarkRun } from '../../../contract/benchmarks.ts';
import { isUnderWay } from '../../../contract/jobs.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { useApp, useBenchmarks, useGpuStore, useJobs, useRegisterIntents } from '../../app/context.tsx';
import type { Intent } from '../../app/intents.ts';
import { goTo } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { listPast, mergeRuns, MOST_IMPORTED_CHARACTERS } from '../../stores/benchmarks-store.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatDuration, formatWhen } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Select } from '../../ui/select.tsx';
import { BarsPanel } from './bars-panel.tsx';
import { CanaryPanel } from './canary-panel.tsx';
import { decideFacets, decideSections } from './case-groups.ts';
import { ComparePanel } from './compare-panel.tsx';
import { ExportMenu } from './export-menu.tsx';
import { HistoryPanel } from './history-panel.tsx';
import { decidePlaces, decideShownRuns } from './places.ts';
import { ProblemButtons } from './problem-buttons.tsx';
import { RooflinePanel } from './roofline-panel.tsx';
import { listRoofBenchmarks } from './roofline.ts';
import { RunDialog } from './run-dialog.tsx';
import { RunningLine } from './running-line.tsx';
import { describeRun, describeSubject, listRunChoices } from './run-words.ts';
import { saveRun } from './save-run.ts';
import { useUnchanged } from './use-unchanged.ts';

const none: readonly never[] = [];
/** How ids of runs begin. */
const RUN_ID = 'bench-';
/** The engine takes no longer name (`benchmarks.past`). */
const MOST_NAME = 40;

/** What was measured on this machine, and measuring it. `section`: a benchmark's name or a run's id. */
export function BenchmarksPage({ section }: { readonly section: string | null }): ReactNode {
  const app = useApp();
  const { benchmarks: store, shell, ui } = app;
  const infoList = useBenchmarks((s) => s.infos);
  const newest = useBenchmarks((s) => s.newest);
  const past = useBenchmarks((s) => s.past);
  const whole = useBenchmarks((s) => s.whole);
  const problem = useBenchmarks((s) => s.problem);
  const devices = useGpuStore((s) => valueOf(s.inventory)?.devices) ?? none;
  const selection = useGpuStore((s) => s.selection);
  const job = useJobs((s) => valueOf(s.jobs)?.find((j) => j.kind === 'benchmark' && isUnderWay(j)) ?? null);
  const [facetOf, setFacetOf] = useState<Readonly<Record<string, string>>>({});
  const [asking, setAsking] = useState<string | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  const page = useRef<HTMLDivElement>(null);

  const infos = valueOf(infoList) ?? none;
  const all = useMemo(() => mergeRuns(valueOf(newest) ?? none, whole), [newest, whole]);
  const open = all.find((r) => r.id === section) ?? null;
  const name = open?.name ?? infos.find((i) => i.name === section)?.name ?? all.find((r) => infos.some((i) => i.name === r.name))?.name ?? infos[0]?.name ?? null;
  const info = infos.find((i) => i.name === name) ?? null;
  const pastOfName = name === null ? null : (past[name] ?? null);
  const runs = useMemo(() => (name === null ? none : listPast(name, all, (pastOfName === null ? null : valueOf(pastOfName)) ?? none)), [name, all, pastOfName]);
  // What is drawn is drawn anew only when it is something else: charts are the most of this page's work.
  const places = useUnchanged(useMemo(() => decidePlaces(runs, devices, selection), [runs, devices, selection]));
  const allPlaces = useUnchanged(useMemo(() => decidePlaces(all, devices, selection), [all, devices, selection]));
  const shown = useMemo(() => decideShownRuns(all.filter((r) => r.name === name), places, open), [all, name, places, open]);
  const shownRuns = places.flatMap((p) => shown.get(p.key) ?? []);
  const run = open ?? [...shownRuns].sort((a, b) => b.startedAtMs - a.startedAtMs)[0] ?? null;
  const cases = info?.cases ?? none;
  const measured = new Set(shownRuns.flatMap((r) => r.results.map((x) => x.caseId)));
  const facets = decideFacets(cases).filter((f) => cases.some((c) => measured.has(c.id) && c.id.endsWith(`-${f.id}`)));
  const facet = facets.length === 0 ? null : (facets.find((f) => f.id === facetOf[name ?? '']) ?? facets.at(-1))?.id ?? null;
  const sections = useUnchanged(useMemo(() => decideSections(cases, facet, places, shown), [cases, facet, places, shown]));
  const runChoices = useMemo(() => listRunChoices(runs), [runs]);

  useEffect(() => void store.getState().readInfos(), [store]);
  // What the address names is asked for before the engine has said that it is a benchmark: it answers nothing for one that is none.
  const early = name ?? (section === null || section.startsWith(RUN_ID) ? null : section.slice(0, MOST_NAME));
  const wanted = [...new Set([...(early === null ? [] : [early]), ...listRoofBenchmarks(infos)])].join(' ');
  useEffect(() => {
    for (const one of wanted.split(' ').filter(Boolean)) if (store.getState().past[one] === undefined) void store.getState().readPast(one);
  }, [store, wanted]);
  const strange = section !== null && open === null && infos.length > 0 && newest.state !== 'loading' && !infos.some((i) => i.name === section) ? section : null;
  useEffect(() => {
    if (strange !== null) void store.getState().find(strange);
  }, [store, strange]);

  const runName = name;
  const runId = run?.id ?? null;
  const isBusy = job !== null;
  const intents = useMemo((): readonly Intent[] => [
    { id: 'benchmarks.run', title: 'Run a benchmark…', group: 'do', icon: 'bench', words: 'measure speed matmul bandwidth', guard: () => (runName === null ? 'the benchmarks are not known yet' : isBusy ? 'one runs already' : null), perform: () => setAsking(runName) },
    { id: 'benchmarks.canary', title: 'Check this machine against its own history', group: 'do', icon: 'bench', detail: 'about a minute', words: 'canary slower regression', guard: () => (isBusy ? 'a benchmark runs' : null), perform: async () => void (await store.getState().runCanary(null)) },
    { id: 'benchmarks.import', title: 'Import output of llama-bench…', group: 'do', icon: 'save', words: 'json jsonl', guard: () => null, perform: () => picker.current?.click() },
    { id: 'benchmarks.export', title: 'Export this run as Markdown', group: 'do', icon: 'save', words: 'save', guard: () => (runId === null ? 'there is no run' : null), perform: async () => { if (runId !== null) await saveRun(app, runId, 'markdown', document); } },
  ], [app, store, runName, runId, isBusy]);
  useRegisterIntents(intents);

  const importFile = async (file: File): Promise<void> => {
    if (file.size > MOST_IMPORTED_CHARACTERS) return store.getState().complain(makeProblem('bench.import', { detail: `${plainText(file.name)} is larger than 8 MB.` }));
    const imported = await store.getState().importText(await file.text());
    const [first] = imported ?? [];
    if (imported === null || first === undefined) return;
    ui.getState().say(`${formatCount(imported.length, 'run')} imported from ${plainText(file.name)}.`);
    goTo('benchmarks', first.id);
  };
  const remove = async (one: BenchmarkRun): Promise<void> => {
    const yes = await shell.confirm({ title: 'Remove this run?', detail: `${one.title}, ${describeRun(one, Date.now())}. Its samples are deleted. Export it first to keep them.`, confirmLabel: 'Remove the run' });
    if (!yes) return;
    goTo('benchmarks', one.name);
    if (await store.getState().remove(one.id)) ui.getState().say('The run is removed.');
  };
  const now = Date.now();
  return (
    <div className="page bmk" ref={page}>
      <div className="head">
        <h1>Benchmarks</h1>
        {name !== null && <Select label="Benchmark" value={name} options={infos.map((i) => ({ value: i.name, text: i.title }))} onChange={(n) => goTo('benchmarks', n)} />}
        {run !== null && runs.length > 1 && <Select label="Run" value={run.id} options={runChoices} onChange={(id) => goTo('benchmarks', id)} />}
        {run !== null && <span className="sub hide-s">{describeSubject(run)}</span>}
        <span className="sp" />
        <input ref={picker} type="file" accept=".json,.jsonl,.txt,application/json" hidden tabIndex={-1} aria-hidden="true" data-testid="bench-file" onChange={(e) => {
          const [file] = e.target.files ?? [];
          e.target.value = '';
          if (file !== undefined) void importFile(file);
        }} />
        {run !== null && run.state !== 'running' && <Button look="bare" icon="x" label="Remove this run" onClick={() => void remove(run)} />}
        <Button title="Output of llama-bench -o json or jsonl" onClick={() => picker.current?.click()}>Import…</Button>
        <ExportMenu disabled={run === null} onChoose={(choice) => { if (run !== null && page.current !== null) void saveRun(app, run.id, choice, page.current); }} />
        <Button look="primary" icon="play" disabled={info === null || job !== null} onClick={() => setAsking(name)}>Run…{info !== null && <span className="est about">{formatDuration(info.aboutSeconds)}</span>}</Button>
      </div>
      {infoList.state === 'failed' && <ProblemNote problem={infoList.problem} />}
      {newest.state === 'failed' && <ProblemNote problem={newest.problem} />}
      {pastOfName?.state === 'failed' && <ProblemNote problem={pastOfName.problem} />}
      {problem !== null && asking === null && <ProblemNote problem={problem} onDismiss={() => store.getState().dismiss()} />}
      {job !== null && <RunningLine job={job} />}
      {run?.problem != null && <div className="bback"><ProblemNote problem={run.problem} /><ProblemButtons problem={run.problem} /></div>}
      {run !== null && run.state !== 'done' && run.state !== 'running' && run.problem === null && <p className="callout"><b>This run was {run.state}.</b> What was measured until then is shown.</p>}
      <CanaryPanel busy={job !== null} />
      {(infoList.state === 'loading' || newest.state === 'loading') && infoList.state !== 'failed' && <p className="bempty" role="status">Reading what was measured.</p>}
      {info !== null && newest.state !== 'loading' && (
        runs.length === 0 ? (
          <section className="panel bfirst" aria-label={info.title}>
            <h2>{pastOfName?.state === 'loading' ? 'Reading earlier runs' : `${info.title} has not been measured yet`}</h2>
            <p>{info.what}</p>
            <Button onClick={() => setAsking(info.name)} disabled={job !== null}>Measure {info.title}…</Button>
          </section>
        ) : (
          <div className="bgrid">
            {sections.length > 0 ? <BarsPanel info={info} sections={sections} places={places} facets={facets} facet={facet} onFacet={(id) => setFacetOf({ ...facetOf, [info.name]: id })} runs={shownRuns} /> : <section className="panel b-bars" aria-label={info.title}><p className="bempty" role="status">{run?.state === 'running' ? 'The first figure is being measured.' : `The run of ${run === null ? '' : formatWhen(run.startedAtMs, now)} has no figures.`}</p></section>}
            <RooflinePanel infos={infos} runs={all} places={allPlaces} onRun={setAsking} />
            <HistoryPanel key={`history ${info.name}`} runs={runs} places={places} facet={facet} reading={pastOfName === null || pastOfName.state === 'loading'} />
            <ComparePanel key={`compare ${info.name}`} runs={runs} shown={run} />
          </div>
        )
      )}
      {asking !== null && <RunDialog infos={infos} name={asking} onClose={() => { setAsking(null); store.getState().dismiss(); }} />}
    </div>
  );
}
