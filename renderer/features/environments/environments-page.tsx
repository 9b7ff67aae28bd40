import './environments.css';
import { useCallback, useEffect, useState, type ReactNode } from 'react';
import type { EnvironmentMatrix, MatrixRow } from '../../../contract/verdict.ts';
import { useApp, useEnvironments, useGpuStore } from '../../app/context.tsx';
import { goTo } from '../../app/routes.ts';
import { useNow } from '../../app/use-now.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatAge, formatCount, formatFigures } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { stateIcon } from '../../ui/state-mark.tsx';
import { AddFolder } from './add-folder.tsx';
import { DriftNotes } from './drift-notes.tsx';
import { EvidenceDrawer } from './evidence-drawer.tsx';
import { Matrix } from './matrix.tsx';
import { UpgradeHistory } from './upgrade-history.tsx';
import { orderRows, shownVerdicts, verdictWords } from './verdict-words.ts';
import { WhatIfBanner, WhatIfForm } from './what-if.tsx';

/** How the search went, in one line. Pure. */
export function describeScan(matrix: EnvironmentMatrix): string {
  if (matrix.state === 'never') return 'not looked for yet';
  if (matrix.state === 'scanning') return matrix.progress.found === 0 ? 'looking …' : `${matrix.progress.judged} of ${matrix.progress.found} read`;
  return `${formatCount(matrix.rows.length, 'environment')} found${matrix.tookMs === null ? '' : ` in ${formatFigures(matrix.tookMs / 1000)} s`}`;
}

/** Findings that are told below the matrix before the rest is folded away. */
const TOLD_FINDINGS = 3;

/** Which Python environment can use which GPU, why not, and the way to repair it. `section`: the id of the open one. */
export function EnvironmentsPage({ section }: { readonly section: string | null }): ReactNode {
  const { environments: store } = useApp();
  const own = useEnvironments((s) => s.matrix);
  const judged = useEnvironments((s) => s.judged);
  const whatIf = useEnvironments((s) => s.whatIf);
  const order = useEnvironments((s) => s.order);
  const open = useEnvironments((s) => s.open);
  const problem = useEnvironments((s) => s.problem);
  const selection = useGpuStore((s) => s.selection);
  const [asking, setAsking] = useState<'folder' | 'whatif' | null>(null);
  const [focusDrawer, setFocusDrawer] = useState(false);
  const nowMs = useNow(1000);
  const remote = whatIf === null ? own : judged;
  const matrix = valueOf(remote);
  useEffect(() => {
    if (section !== null && store.getState().open?.id !== section) void store.getState().show(section, null);
    if (section === null && store.getState().open !== null) store.getState().close();
  }, [section, store]);
  const close = useCallback((): void => {
    goTo('environments');
    // The cell that was walked to last: where the reader was before.
    document.querySelector<HTMLElement>('.envs button[tabindex="0"]')?.focus();
  }, []);
  useEscape(open !== null && asking === null, close);
  const show = (id: string, gpuKey: string | null, byKeyboard: boolean): void => {
    if (open?.id === id && open.gpuKey === gpuKey) return goTo('environments');
    setFocusDrawer(byKeyboard);
    void store.getState().show(id, gpuKey);
    if (section !== id) goTo('environments', id);
  };
  const targets = matrix === null ? [] : matrix.targets.filter((t) => selection.length === 0 || selection.includes(t.key) || t.index === null);
  const rows = matrix === null ? [] : orderRows(matrix.rows, order);
  const scanning = matrix?.state === 'scanning' && whatIf === null;
  return (
    <div className={open === null ? 'split alone envpage' : 'split envpage'}>
      <div className="page">
        <div className="head">
          <h1>Environments</h1>
          <span className="sr" role="status">{matrix === null ? '' : scanning ? 'Looking for environments' : describeScan(matrix)}</span>
          <span className="sub" aria-hidden="true">{matrix === null ? '' : matrix.state === 'ready' ? <>{matrix.rows.length} found{matrix.tookMs !== null && <span className="took"> in {formatFigures(matrix.tookMs / 1000)} s</span>}</> : describeScan(matrix)}{matrix?.state === 'ready' && whatIf === null && <span className="age">, {formatAge(Math.max(0, (nowMs - matrix.atMs) / 1000))}</span>}</span>
          <span className="sp" />
          <Segmented label="Sort" value={order} options={[{ value: 'trouble', text: 'Trouble', title: 'What cannot work first' }, { value: 'name', text: 'Name' }, { value: 'changed', text: 'Changed', title: 'Last changed first' }]} onChange={store.getState().setOrder} />
          <Button aria-expanded={asking === 'whatif'} onClick={() => setAsking(asking === 'whatif' ? null : 'whatif')}>Other GPUs…</Button>
          <Button onClick={() => setAsking('folder')}>Add folder…</Button>
          <Button disabled={scanning} onClick={() => void store.getState().scan()}>Look again</Button>
        </div>
        {asking === 'whatif' && <WhatIfForm onDone={() => setAsking(null)} />}
        <WhatIfBanner />
        {remote.state === 'failed' && <ProblemNote problem={remote.problem} />}
        {problem && <ProblemNote problem={problem} onDismiss={() => store.getState().dismiss()} />}
        <DriftNotes />
        {matrix?.note && whatIf === null && asking !== 'whatif' && (
          <p className="callout below row">
            <span><b>{matrix.note}</b></span>
            <span className="sp" />
            <Button small onClick={() => setAsking('whatif')}>Name a GPU…</Button>
          </p>
        )}
        {scanning && (
          <span className="bar accent scanbar" role="progressbar" aria-label="Looking for environments" aria-valuemin={0} aria-valuemax={100} {...(matrix.progress.found === 0 ? {} : { 'aria-valuenow': Math.round((matrix.progress.judged / matrix.progress.found) * 100) })}>
            <i style={{ width: `${matrix.progress.found === 0 ? 0 : (matrix.progress.judged / matrix.progress.found) * 100}%` }} />
          </span>
        )}
        {matrix !== null && rows.length > 0 && <Matrix matrix={matrix} rows={rows} targets={targets} open={open} onOpen={show} />}
        {matrix?.state === 'ready' && rows.length === 0 && <p className="callout"><b>No Python environment was found.</b> The usual places of venv, uv, conda, pyenv, pipx, poetry, Jupyter and the system were searched. Add a folder that holds one.</p>}
        {(matrix?.state === 'scanning' || matrix?.state === 'never') && rows.length === 0 && <p className="empty-list">Looking in the usual places of venv, uv, conda, pyenv, pipx, poetry, Jupyter and the system. Nothing that is found is run.</p>}
        {remote.state === 'loading' && <p className="empty-list" role="status">{whatIf === null ? 'Asking the engine.' : 'Judging.'}</p>}
        {matrix !== null && rows.length > 0 && targets.length > 0 && <Legend matrix={matrix} />}
        <Noticed rows={rows} onShow={(id) => show(id, null, true)} />
        {matrix !== null && matrix.problems.length > 0 && (
          <details className="unread">
            <summary>{formatCount(matrix.problems.length, 'place')} could not be searched</summary>
            {matrix.problems.map((p, i) => <ProblemNote key={i} problem={p} />)}
          </details>
        )}
        <UpgradeHistory nowMs={nowMs} />
      </div>
      {open !== null && <EvidenceDrawer takeFocus={focusDrawer} onClose={close} />}
      {asking === 'folder' && <AddFolder onClose={() => setAsking(null)} />}
    </div>
  );
}

/** Escape, unless something above the page takes it: a dialog, a tip, the job drawer. */
function useEscape(on: boolean, run: () => void): void {
  const app = useApp();
  useEffect(() => {
    if (!on) return;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || app.jobs.getState().drawer || document.querySelector('dialog[open], [role="tooltip"]') !== null) return;
      event.preventDefault();
      run();
    };
    // Before the frame's own: it closes the job drawer first, and only that.
    addEventListener('keydown', onKey, true);
    return () => removeEventListener('keydown', onKey, true);
  }, [app, on, run]);
}

/** What the words mean, of those that are shown. */
function Legend({ matrix }: { readonly matrix: EnvironmentMatrix }): ReactNode {
  return (
    <div className="legend">
      {shownVerdicts(matrix).map((v) => {
        const { word, means, kind } = verdictWords[v];
        return (
          <span key={v}>
            <span className={`st ${kind ?? 'none'}`}><Icon name={kind === null ? 'none' : stateIcon(kind)} />{word}</span> <span className="q">{means}</span>
          </span>
        );
      })}
    </div>
  );
}

/** What is wrong with environments whatever the GPU: files gone, two torches, a Python that went away. */
function Noticed({ rows, onShow }: { readonly rows: readonly MatrixRow[]; onShow(id: string): void }): ReactNode {
  const all = rows.flatMap((row) => row.findings.filter((f) => f.severity === 'problem').map((finding) => ({ row, finding })));
  const tell = ({ row, finding }: (typeof all)[number], i: number): ReactNode => (
    <p key={`${row.id} ${finding.code} ${String(i)}`} className="callout noticed">
      <b>{plainText(row.name)}: {finding.title.charAt(0).toLowerCase() + finding.title.slice(1)}.</b> {plainText(finding.cause)} <button type="button" className="linklike" aria-label={`Show ${plainText(row.name)}`} onClick={() => onShow(row.id)}>Show</button>
    </p>
  );
  return (
    <>
      {all.slice(0, TOLD_FINDINGS).map(tell)}
      {all.length > TOLD_FINDINGS && (
        <details className="unread">
          <summary>{formatCount(all.length - TOLD_FINDINGS, 'more environment finding')}</summary>
          {all.slice(TOLD_FINDINGS).map(tell)}
        </details>
      )}
    </>
  );
}
