import './models.css';
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import type { ModelList } from '../../../contract/models.ts';
import type { Problem } from '../../../contract/problem.ts';
import { useApp, useGpuStore, useLoaded, useModels } from '../../app/context.tsx';
import { ProblemActions } from '../../app/problem-actions.tsx';
import { goTo } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { deviceColour } from '../../ui/device-mark.tsx';
import { formatBytes, formatCount, formatDeviceName, formatGib } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { Select } from '../../ui/select.tsx';
import { Value } from '../../ui/value.tsx';
import { GetModel } from './get-model.tsx';
import { ModelDrawer } from './model-drawer.tsx';
import { ModelTable } from './model-table.tsx';
import { decideRows, listPlaces } from './model-words.ts';

/** One and the same, so that nothing changes while nothing has come. */
const none: readonly never[] = [];

/** A folder that the user added can be taken off the list again; those of other programs are looked for by themselves. Pure. */
function withdrawable({ home, path, problem }: ModelList['folders'][number] & { readonly problem: Problem }): Problem {
  return home === 'folder' ? { ...problem, actions: [...problem.actions, { kind: 'call', label: 'Take it off the list', operation: 'models.removeFolder', input: { path } }] } : problem;
}

/** Models on this machine and those that can be had: what each needs, how fast it is here. `section`: the id of the open one. */
export function ModelsPage({ section }: { readonly section: string | null }): ReactNode {
  const { models: store, loaded: loadedStore } = useApp();
  const list = useModels((s) => s.list);
  const offered = useModels((s) => valueOf(s.offered)) ?? none;
  const downloads = useModels((s) => valueOf(s.downloads)) ?? none;
  const outlooks = useModels((s) => s.outlooks);
  const open = useModels((s) => s.open);
  const chosen = useModels((s) => s.place);
  const problem = useModels((s) => s.problem);
  const loadProblem = useLoaded((s) => s.problem);
  const loaded = useLoaded((s) => valueOf(s.loaded)) ?? none;
  const [find, setFind] = useState('');
  const [asking, setAsking] = useState<'get' | 'folder' | null>(null);
  const known = valueOf(list);
  const models = known?.models ?? [];
  const selection = useGpuStore((s) => s.selection);
  const places = useMemo(() => listPlaces(Object.values(outlooks).map(valueOf).filter((o) => o !== null), offered), [outlooks, offered]);
  const place = places.find((p) => p.key === chosen) ?? places.find((p) => selection.includes(p.key)) ?? places[0] ?? null;
  // A GPU has its colour on every page.
  const index = useGpuStore((s) => valueOf(s.inventory)?.devices.find((d) => d.uuid === place?.key)?.index ?? null);
  const rows = decideRows(models, loaded, offered, downloads, find);
  useEffect(() => {
    const current = store.getState().open;
    if (section === null) {
      if (current !== null) store.getState().show(null);
    } else if (current === null || `${current.kind}:${current.id}` !== section) {
      const [kind, ...rest] = section.split(':');
      const id = rest.join(':');
      const quantisation = offered.find((o) => o.id === id)?.files[0]?.quantisation;
      if (kind === 'here') store.getState().show({ kind: 'here', id });
      else if (quantisation !== undefined) store.getState().show({ kind: 'offered', id, quantisation });
    }
  }, [section, store, offered]);
  const loadedCount = loaded.length;
  const listedAt = list.state === 'ready' ? list.atMs : 0;
  useEffect(() => {
    // What is free has changed, or a load or an answer has taught something: the list is told again then.
    void store.getState().readOutlooks();
  }, [loadedCount, listedAt, store]);
  const close = (): void => {
    goTo('models');
    document.querySelector<HTMLElement>('.mdl tr[aria-selected="true"] .modelname')?.focus();
  };
  const bytes = models.reduce((sum, m) => sum + m.bytes, 0);
  const waiting = downloads.filter((d) => d.state === 'failed' || d.state === 'paused');
  return (
    <div className={open === null ? 'split alone' : 'split'}>
      <div className="page mdl" style={{ '--c': index === null ? 'var(--accent)' : deviceColour(index) } as Record<string, string>}>
        <div className="head">
          <h1>Models</h1>
          <span className="sub" role="status">{known === null ? '' : known.searching ? 'looking …' : <>{models.length} here{models.length > 0 && <>, <Value of={formatBytes(bytes)} /></>}</>}</span>
          <span className="sp" />
          <label className="search field-search">
            <Icon name="search" />
            <span className="sr">Find a model</span>
            <input type="search" placeholder="Find a model" value={find} maxLength={200} spellCheck={false} onChange={(e) => setFind(e.target.value)} />
          </label>
          {places.length > 1 && place !== null && <Select label="Show speed and memory for" value={place.key} options={places.map((p) => ({ value: p.key, text: plainText(formatDeviceName(p.name)) }))} onChange={store.getState().setPlace} />}
          <Button onClick={() => setAsking('folder')}>Add file or folder…</Button>
          <Button onClick={() => setAsking('get')}>Get another…</Button>
        </div>
        {list.state === 'failed' && <ProblemActions problem={list.problem} onRetry={() => void store.getState().search()} />}
        {problem && <ProblemActions problem={problem} onDismiss={store.getState().dismiss} onDone={store.getState().dismiss} />}
        {loadProblem && <ProblemActions problem={loadProblem} onDismiss={loadedStore.getState().dismiss} onDone={loadedStore.getState().dismiss} />}
        {waiting.flatMap((d) => (d.problem === null ? [] : [<ProblemActions key={d.id} problem={d.problem} retryLabel="Resume" onRetry={() => void store.getState().resume(d.id)} />]))}
        {known !== null && rows.length > 0 && <ModelTable rows={rows} place={place} outlooks={outlooks} loaded={loaded} open={open} onOpen={(key) => goTo('models', key)} />}
        {known !== null && rows.length === 0 && <p className="callout">{find === '' ? <><b>No model is here yet.</b> The folders of LM Studio, Ollama and the Hugging Face cache were searched too.</> : <><b>Nothing is called “{find}”.</b> “Get another…” looks on the model hub.</>}</p>}
        {list.state === 'loading' && <p className="empty-list" role="status">Looking for model files.</p>}
        {place !== null && rows.length > 0 && (
          <div className="legend">
            <span><i className="k used" />in use now</span><span><i className="k need" />weights</span><span><i className="k kvc" />cache and work</span>
            {place.capacityBytes !== null && <span><i className="k end" />all <Value of={formatGib(place.capacityBytes)} /></span>}
            <span><i className="k ovr" />does not fit</span>
          </div>
        )}
        {known !== null && known.folders.some((f) => f.problem !== null) && (
          <details className="unread">
            <summary>{formatCount(known.folders.filter((f) => f.problem !== null).length, 'folder')} could not be searched</summary>
            {known.folders.map((f) => (f.problem === null ? null : <ProblemActions key={f.path} problem={withdrawable({ ...f, problem: f.problem })} onRetry={() => void store.getState().search()} />))}
          </details>
        )}
      </div>
      {open !== null && <ModelDrawer open={open} place={place} onClose={close} />}
      {asking !== null && <GetModel what={asking} onClose={() => setAsking(null)} />}
    </div>
  );
}
