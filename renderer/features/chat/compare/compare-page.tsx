import './compare.css';
import { useEffect, useState, type ReactNode } from 'react';
import { answerer as answererSchema, type Answerer, type Comparison } from '../../../../contract/chat.ts';
import { useApp, useChat, useComparisons, useModels } from '../../../app/context.tsx';
import { valueOf } from '../../../connection/remote.ts';
import { settingsOf } from '../../../stores/chat-store.ts';
import { Button } from '../../../ui/button.tsx';
import { formatWhen } from '../../../ui/format.ts';
import { Icon } from '../../../ui/icons.tsx';
import { NumberField } from '../../../ui/number-field.tsx';
import { plainText } from '../../../ui/plain-text.ts';
import { Segmented } from '../../../ui/segmented.tsx';
import { Select } from '../../../ui/select.tsx';
import { Switch } from '../../../ui/switch.tsx';
import { hrefOfComparison, hrefOfConversation } from '../chat-place.ts';
import { FirstModel } from '../first-model.tsx';
import { canChat } from '../model-choices.ts';
import { ProblemActions } from '../../../app/problem-actions.tsx';
import { useProviders, useSettingNotes } from '../use-providers.ts';
import { ComparisonTable } from './comparison-table.tsx';
import { describeRun, isBlindNow, MOST_CONTENDERS, parsePrompts } from './comparison-words.ts';
import { ContenderColumn, ContenderForm } from './contender-column.tsx';
import { PromptSetDialog } from './prompt-set-dialog.tsx';
import { ResultsTable } from './results-table.tsx';

const none: readonly never[] = [];
const TYPED = '';
const NEW = 'new';

/** The first two configurations: what the conversation uses, and the same beside it, with a fixed seed. Pure. */
export function beginWith(answerer: Answerer): readonly Answerer[] {
  const fixed = answererSchema.parse({ ...answerer, sampling: { temperature: 0, seed: 1, ...answerer.sampling } });
  return [fixed, fixed];
}

/** One prompt, or a set of them, to two or three configurations side by side. `id`: a comparison that was made. */
export function ComparePage({ id }: { readonly id: string | null }): ReactNode {
  const { comparisons, shell, ui, chat } = useApp();
  const list = useComparisons((s) => valueOf(s.list)) ?? none;
  const open = useComparisons((s) => s.open);
  const sets = useComparisons((s) => valueOf(s.promptSets)) ?? none;
  const problem = useComparisons((s) => s.problem);
  const models = useModels((s) => s.list);
  const settings = useChat(settingsOf);
  const providers = useProviders();
  const notes = useSettingNotes();
  const [contenders, setContenders] = useState<readonly Answerer[]>(() => beginWith(settingsOf(chat.getState()).answerer));
  const [repeats, setRepeats] = useState(5);
  const [order, setOrder] = useState<'turns' | 'together'>('turns');
  const [blind, setBlind] = useState(false);
  const [setId, setSetId] = useState(TYPED);
  const [words, setWords] = useState('');
  const [prompt, setPrompt] = useState(0);
  const [seek, setSeek] = useState(0);
  const [editing, setEditing] = useState<'new' | 'set' | null>(null);
  const store = comparisons.getState();
  useEffect(() => void comparisons.getState().refresh(), [comparisons]);
  useEffect(() => {
    comparisons.getState().show(id);
    setPrompt(0);
  }, [comparisons, id]);
  const comparison = valueOf(open);
  const chosen = sets.find((s) => s.id === setId) ?? null;
  const prompts = chosen === null ? parsePrompts(words) : chosen.prompts;
  const running = comparison?.state === 'running';
  const here = valueOf(models)?.models.filter(canChat) ?? none;
  const noModel = models.state === 'ready' && models.value.searchedAtMs !== null && here.length === 0 && providers.length === 0;
  const start = async (): Promise<void> => {
    if (prompts.length === 0 || running) return;
    const started = await store.start({ prompts: [...prompts], contenders: [...contenders], repeats, order, blind, systemPrompt: settings.systemPrompt, title: chosen?.name ?? null });
    if (started !== null) location.hash = hrefOfComparison(started);
  };
  const again = (from: Comparison): void => {
    if (!isBlindNow(from)) setContenders(from.wish.contenders);
    setRepeats(from.wish.repeats);
    setOrder(from.wish.order);
    setBlind(from.wish.blind);
    if (from.wish.prompts.length === 1) setWords(from.wish.prompts[0] ?? '');
    location.hash = hrefOfComparison(null);
  };
  const save = async (format: 'markdown' | 'json' | 'csv'): Promise<void> => {
    const file = await store.exportAs(format);
    if (file === null) return;
    const path = await shell.saveFile({ suggestedName: file.fileName, bytes: new TextEncoder().encode(file.text) });
    if (path !== null) ui.getState().say(`Saved as ${path}.`);
  };
  const remove = async (c: Comparison): Promise<void> => {
    if (!(await shell.confirm({ title: `Remove “${c.title}”?`, detail: 'Its answers and figures are deleted. Export it first to keep them.', confirmLabel: `Remove “${c.title}”`.slice(0, 60) }))) return;
    location.hash = hrefOfComparison(null);
    await store.remove(c.id);
  };
  return (
    <div className={`cmpage${id === null ? ' setup' : ''}`}>
      <header className="cbar">
        <h1 className="sr">Compare</h1>
        <Select label="Comparison" value={id ?? NEW} options={[{ value: NEW, text: 'New comparison' }, ...list.map((c) => ({ value: c.id, text: `${plainText(c.title) || 'Untitled'}, ${formatWhen(c.createdAtMs, Date.now())}` })), ...(id !== null && !list.some((c) => c.id === id) ? [{ value: id, text: comparison === null ? 'This comparison' : plainText(comparison.title) }] : [])]} onChange={(v) => { location.hash = hrefOfComparison(v === NEW ? null : v); }} />
        {comparison !== null && <span className="sub hide-s">{comparison.wish.order === 'turns' ? 'one after the other, in turns' : 'all at the same time: times do not count'}{comparison.wish.blind ? ', names hidden until the vote' : ''}</span>}
        <span className="sp" />
        {id === null && <Segmented<'turns' | 'together'> label="Order" value={order} options={[{ value: 'turns', text: 'In turns', title: 'One after the other, so that they do not disturb each other' }, { value: 'together', text: 'Together', title: 'All at once: faster, but then times say nothing' }]} onChange={setOrder} />}
        {id === null && <label className="inline">Blind <Switch label="Blind: hide names and figures until the vote" on={blind} onChange={setBlind} /></label>}
        {running && <Button icon="stop" onClick={() => void store.cancel()}>Stop</Button>}
        {comparison !== null && !running && <Button onClick={() => again(comparison)}>Ask again</Button>}
        {comparison !== null && !running && <Button look="bare" icon="x" label="Remove this comparison" onClick={() => void remove(comparison)} />}
        <a className="btn" href={hrefOfConversation(chat.getState().openId)}>End compare</a>
      </header>
      {problem && <ProblemActions problem={problem} />}
      {open.state === 'failed' && <ProblemActions problem={open.problem} />}
      {comparison?.problem && <ProblemActions problem={comparison.problem} />}
      {comparison === null ? (
        <>
          {id === null ? (
            noModel ? <FirstModel /> : (
              <div className={`cmps n${contenders.length}`}>
                {contenders.map((c, i) => <ContenderForm key={i} at={i} answerer={c} providers={providers} notes={notes} onChange={(next) => setContenders(contenders.with(i, next))} onRemove={contenders.length > 1 ? () => setContenders(contenders.filter((_, at) => at !== i)) : null} />)}
              </div>
            )
          ) : (
            <p className="sub pad" role="status">Reading the comparison.</p>
          )}
          {id === null && !noModel && (
            <div className="composer">
              <form
                className="box"
                onSubmit={(e) => {
                  e.preventDefault();
                  void start();
                }}
              >
                {chosen === null ? (
                  <textarea aria-label="Prompt for all configurations" placeholder="Write one message to all of them" rows={3} value={words} onChange={(e) => setWords(e.target.value)} onKeyDown={(e) => {
                    if (e.key !== 'Enter' || e.shiftKey || e.nativeEvent.isComposing) return;
                    e.preventDefault();
                    void start();
                  }} />
                ) : (
                  <ol className="promptlist" tabIndex={0} aria-label={`Prompts of ${chosen.name}`}>{chosen.prompts.slice(0, 50).map((p, i) => <li key={i} className="trunc">{plainText(p.slice(0, 300))}</li>)}</ol>
                )}
                <div className="cfoot">
                  <Select label="Prompts" value={setId} options={[{ value: TYPED, text: 'One prompt, typed here' }, ...sets.map((s) => ({ value: s.id, text: `${plainText(s.name)} (${s.prompts.length})` }))]} onChange={setSetId} />
                  {chosen === null ? <Button small onClick={() => setEditing('new')}>New set</Button> : <Button small onClick={() => setEditing('set')}>{chosen.builtIn ? 'Copy and edit' : 'Edit set'}</Button>}
                  <NumberField label="Answers of each to each prompt" value={repeats} unit="answers each" min={1} max={50} onChange={(v) => setRepeats(Math.round(v ?? 1))} />
                  <span className="sp" />
                  <span className="sub hide-s">{describeRun(contenders.length, prompts.length, repeats)}</span>
                  {contenders.length < MOST_CONTENDERS && <Button small onClick={() => setContenders([...contenders, contenders.at(-1) ?? answererSchema.parse({})])}>Add {contenders.length === 1 ? 'B' : 'C'}</Button>}
                  <button type="submit" className="btn primary icon" title="Send to all of them (Enter)" aria-label="Send to all of them" disabled={prompts.length === 0}><Icon name="send" /></button>
                </div>
              </form>
            </div>
          )}
        </>
      ) : (
        <>
          {comparison.wish.prompts.length > 1 && <ResultsTable comparison={comparison} prompt={prompt} onShow={setPrompt} />}
          <div className="cprompt">
            <h2 className="who"><span>You, to all of them{comparison.wish.prompts.length > 1 ? `, prompt ${prompt + 1} of ${comparison.wish.prompts.length}` : ''}</span><span>{formatWhen(comparison.createdAtMs, Date.now())}</span></h2>
            <div className="body words" tabIndex={0}>{comparison.wish.prompts[prompt] ?? ''}</div>
          </div>
          <div className={`cmps n${comparison.wish.contenders.length}`}>
            {comparison.wish.contenders.map((_, i) => <ContenderColumn key={`${i} ${prompt}`} comparison={comparison} at={i} prompt={prompt} seek={seek} onVote={(contender) => void store.vote(prompt, contender)} />)}
          </div>
          {comparison.wish.contenders.length > 1 && !running && (
            <p className="pad novote"><Button small aria-pressed={comparison.votes.some((v) => v.prompt === prompt && v.contender === null)} onClick={() => void store.vote(prompt, null)}>None is better</Button> {isBlindNow(comparison) && <span className="sub">Names and figures are shown when every prompt has a vote.</span>}</p>
          )}
          <ComparisonTable comparison={comparison} onSeek={() => { setPrompt(0); setSeek(seek + 1); }} onExport={(format) => void save(format)} />
        </>
      )}
      {editing !== null && (
        <PromptSetDialog
          set={editing === 'set' ? chosen : null}
          onSave={(set) => {
            setEditing(null);
            void store.savePromptSet(set).then((saved) => { if (saved !== null) setSetId(saved.id); });
          }}
          onRemove={chosen === null ? null : () => {
            setEditing(null);
            setSetId(TYPED);
            void store.removePromptSet(chosen.id);
          }}
          onClose={() => setEditing(null)}
        />
      )}
    </div>
  );
}
