import { useId, useState, type ReactNode } from 'react';
import type { Answerer } from '../../../../contract/chat.ts';
import { cacheType, engineSettings, sampling, type EngineSettingNote, type EngineSettings, type Sampling } from '../../../../contract/inference.ts';
import { NumberField } from '../../../ui/number-field.tsx';
import { Select } from '../../../ui/select.tsx';
import { Switch } from '../../../ui/switch.tsx';

/** What each sampling control does, with llama.cpp's name. All of them change the answer, none the speed by much. */
const samplingNotes: readonly { readonly key: keyof Sampling; readonly flag: string; readonly title: string; readonly does: string; readonly min: number; readonly max: number; readonly step: number }[] = [
  { key: 'temperature', flag: '--temp', title: 'Temperature', does: '0 always takes the likeliest token; higher is more varied.', min: 0, max: 5, step: 0.1 },
  { key: 'topK', flag: '--top-k', title: 'Top k', does: 'Only so many of the likeliest tokens; 0: all.', min: 0, max: 1_000_000, step: 5 },
  { key: 'topP', flag: '--top-p', title: 'Top p', does: 'The likeliest tokens that together have this probability; 1: all.', min: 0, max: 1, step: 0.05 },
  { key: 'minP', flag: '--min-p', title: 'Min p', does: 'Tokens at least so likely as this share of the likeliest; 0: all.', min: 0, max: 1, step: 0.01 },
  { key: 'repeatPenalty', flag: '--repeat-penalty', title: 'Repeat penalty', does: 'Above 1, tokens that came lately are less likely; 1: off.', min: 0.1, max: 5, step: 0.05 },
  { key: 'presencePenalty', flag: '--presence-penalty', title: 'Presence penalty', does: 'Taken off once for a token that came lately; 0: off.', min: -2, max: 2, step: 0.1 },
  { key: 'frequencyPenalty', flag: '--frequency-penalty', title: 'Frequency penalty', does: 'Taken off each time that a token came lately; 0: off.', min: -2, max: 2, step: 0.1 },
  { key: 'repeatLastTokens', flag: '--repeat-last-n', title: 'Look back', does: 'Tokens that the penalties look back.', min: 0, max: 65_536, step: 16 },
  { key: 'seed', flag: '--seed', title: 'Seed', does: 'The same seed gives the same answer. Empty: a fresh one, which is said with the answer.', min: 0, max: 4_294_967_295, step: 1 },
];

const samplingDefaults = sampling.parse({});
const engineDefaults = engineSettings.parse({});

/** Whole numbers of the engine's settings, with their bounds. */
const wholes: Readonly<Partial<Record<keyof EngineSettings, { readonly min: number; readonly max: number; readonly step: number }>>> = {
  gpuLayers: { min: 0, max: 10_000, step: 1 },
  contextTokens: { min: 16, max: 16_777_216, step: 1024 },
  batch: { min: 1, max: 65_536, step: 64 },
  threads: { min: 1, max: 1024, step: 1 },
  parallel: { min: 1, max: 64, step: 1 },
  draftTokens: { min: 1, max: 64, step: 1 },
};
const choices: Readonly<Partial<Record<keyof EngineSettings, readonly { readonly value: string; readonly text: string }[]>>> = {
  backend: [{ value: 'auto', text: 'chosen' }, { value: 'cuda', text: 'CUDA' }, { value: 'vulkan', text: 'Vulkan' }, { value: 'cpu', text: 'processor' }],
  flashAttention: [{ value: 'auto', text: 'chosen' }, { value: 'on', text: 'on' }, { value: 'off', text: 'off' }],
  cacheTypeK: cacheType.options.map((value) => ({ value, text: value })),
  cacheTypeV: cacheType.options.map((value) => ({ value, text: value })),
};
const switches: readonly (keyof EngineSettings)[] = ['mmap', 'mlock', 'checkTensors'];

/** The answerer with a setting set, or (undefined) back to what is chosen for it. Pure. */
export function withSetting<K extends keyof EngineSettings>(answerer: Answerer, key: K, value: EngineSettings[K] | undefined): Answerer {
  const settings = { ...answerer.settings };
  if (value === undefined) delete settings[key];
  else settings[key] = value;
  return { ...answerer, settings };
}

/** The answerer with a sampling control set, or (undefined) back to its default. Pure. */
export function withSampling<K extends keyof Sampling>(answerer: Answerer, key: K, value: Sampling[K] | undefined): Answerer {
  const next = { ...answerer.sampling };
  if (value === undefined) delete next[key];
  else next[key] = value;
  return { ...answerer, sampling: next };
}

/** What is written as a JSON schema: nothing, an object, or why it is none. Pure. */
export function judgeSchema(text: string): string | null {
  if (text.trim() === '') return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? null : 'A schema is an object in braces.';
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export interface AnswerSettingsProps {
  readonly answerer: Answerer;
  readonly notes: readonly EngineSettingNote[];
  /** null: it is not asked here. */
  readonly systemPrompt: string | null;
  onAnswerer(answerer: Answerer): void;
  onSystemPrompt?(text: string): void;
}

/** System prompt, sampling and engine settings, each with llama.cpp's name and whether it changes the answer. */
export function AnswerSettings({ answerer, notes, systemPrompt, onAnswerer, onSystemPrompt }: AnswerSettingsProps): ReactNode {
  return (
    <div className="asettings">
      {systemPrompt !== null && onSystemPrompt && <LongText key="system" label="System prompt" hint="Said to the model before everything else. Changes the answer." value={systemPrompt} rows={4} onCommit={onSystemPrompt} />}
      <fieldset>
        <legend>Sampling <span className="q">changes the answer</span></legend>
        {samplingNotes.map((n) => (
          <Setting key={n.key} title={n.title} flag={n.flag} does={n.does} changes={null}>
            {(id) => (
              <span aria-describedby={id}>
                <NumberField label={n.title} value={answerer.sampling[n.key] ?? (n.key === 'seed' ? null : samplingDefaults[n.key])} unit="" min={n.min} max={n.max} step={n.step} optional={n.key === 'seed'} placeholder="fresh" onChange={(v) => onAnswerer(withSampling(answerer, n.key, v === null ? undefined : v))} />
              </span>
            )}
          </Setting>
        ))}
        <Setting title="Longest answer" flag="-n" does="Tokens; empty: the limit of the settings, or the end of the context." changes={null}>
          {() => <NumberField label="Longest answer" value={answerer.maxTokens} unit="tok" min={1} max={1_000_000} step={64} optional placeholder="none" onChange={(v) => onAnswerer({ ...answerer, maxTokens: v === null ? null : Math.round(v) })} />}
        </Setting>
        <LongText label="JSON schema" hint="The answer is JSON that follows it." value={answerer.jsonSchema ?? ''} rows={2} mono judge={judgeSchema} onCommit={(text) => onAnswerer({ ...answerer, jsonSchema: text.trim() === '' ? null : text, ...(text.trim() === '' ? {} : { grammar: null }) })} />
        <LongText label="Grammar (GBNF)" hint="The answer follows it. Either a schema or a grammar." value={answerer.grammar ?? ''} rows={2} mono onCommit={(text) => onAnswerer({ ...answerer, grammar: text.trim() === '' ? null : text, ...(text.trim() === '' ? {} : { jsonSchema: null }) })} />
      </fieldset>
      {answerer.provider === null && notes.length > 0 && (
        <fieldset>
          <legend>Engine <span className="q">a change loads the model again</span></legend>
          {notes.map((n) => <EngineSetting key={n.key} note={n} answerer={answerer} onAnswerer={onAnswerer} />)}
        </fieldset>
      )}
      {answerer.provider !== null && <p className="sub">The engine of another server is set there.</p>}
    </div>
  );
}

function Setting({ title, flag, does, changes, children }: { readonly title: string; readonly flag: string | null; readonly does: string; /** null: said above. */ readonly changes: boolean | null; readonly children: (describedBy: string) => ReactNode }): ReactNode {
  const id = useId();
  return (
    <div className="setting">
      <div>
        <span className="nm">{title} {flag !== null && <code>{flag}</code>}</span>
        {changes !== null && <span className={`tag ${changes ? 'changes' : ''}`}>{changes ? 'changes the answer' : 'only speed'}</span>}
        <p id={id} className="sub">{does}</p>
      </div>
      {children(id)}
    </div>
  );
}

function EngineSetting({ note, answerer, onAnswerer }: { readonly note: EngineSettingNote; readonly answerer: Answerer; onAnswerer(answerer: Answerer): void }): ReactNode {
  const key = (Object.keys(engineDefaults) as (keyof EngineSettings)[]).find((k) => k === note.key);
  if (key === undefined) return null;
  const set = (value: unknown): void => {
    const parsed = engineSettings.shape[key].safeParse(value);
    if (value === undefined || parsed.success) onAnswerer(withSetting(answerer, key, value === undefined ? undefined : parsed.data));
  };
  const value = answerer.settings[key];
  const whole = wholes[key];
  const options = choices[key];
  const control = (): ReactNode => {
    if (whole !== undefined) {
      const byDefault = engineDefaults[key];
      return <NumberField label={note.title} value={typeof value === 'number' ? value : typeof byDefault === 'number' ? byDefault : null} unit={note.unit ?? ''} min={whole.min} max={whole.max} step={whole.step} optional={engineDefaults[key] === null} placeholder="chosen" onChange={(v) => set(v === null ? undefined : Math.round(v))} />;
    }
    if (options !== undefined) return <Select label={note.title} value={typeof value === 'string' ? value : String(engineDefaults[key])} options={options} onChange={(v) => set(v === engineDefaults[key] ? undefined : v)} />;
    if (switches.includes(key)) return <Switch label={note.title} on={value === undefined ? engineDefaults[key] === true : value === true} onChange={(on) => set(on)} />;
    if (key === 'draftModel') return <TextField label={note.title} value={typeof value === 'string' ? value : ''} placeholder="none" onCommit={(v) => set(v === '' ? undefined : v)} />;
    if (key === 'devices') return <TextField label={note.title} value={Array.isArray(value) ? value.join(', ') : ''} placeholder="chosen" onCommit={(v) => set(v === '' ? undefined : v.split(',').map((d) => d.trim()).filter((d) => d !== ''))} />;
    return null;
  };
  return (
    <Setting title={note.title} flag={note.flag} does={note.does} changes={note.changesAnswer}>
      {control}
    </Setting>
  );
}

function TextField({ label, value, placeholder, onCommit }: { readonly label: string; readonly value: string; readonly placeholder: string; onCommit(text: string): void }): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);
  const commit = (): void => {
    if (draft !== null && draft.trim() !== value) onCommit(draft.trim());
    setDraft(null);
  };
  return <span className="inp t"><input aria-label={label} value={draft ?? value} placeholder={placeholder} spellCheck={false} onChange={(e) => setDraft(e.target.value)} onBlur={commit} onKeyDown={(e) => { if (e.key === 'Enter') commit(); }} /></span>;
}

function LongText({ label, hint, value, rows, mono = false, judge, onCommit }: { readonly label: string; readonly hint: string; readonly value: string; readonly rows: number; readonly mono?: boolean; readonly judge?: (text: string) => string | null; onCommit(text: string): void }): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);
  const trouble = draft === null ? null : (judge?.(draft) ?? null);
  const id = useId();
  return (
    <label className="long">
      <span className="nm">{label}</span>
      <textarea className={mono ? 'mono' : ''} rows={rows} value={draft ?? value} spellCheck={!mono} aria-describedby={id} aria-invalid={trouble !== null} onChange={(e) => setDraft(e.target.value)} onBlur={() => {
        // What is wrong stays in sight until it is corrected, and is not sent.
        if (draft === null || trouble !== null) return;
        if (draft !== value) onCommit(draft);
        setDraft(null);
      }} />
      <span id={id} className={`sub${trouble === null ? '' : ' wrong'}`}>{trouble ?? hint}</span>
    </label>
  );
}
