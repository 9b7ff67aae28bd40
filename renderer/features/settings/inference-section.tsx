import { useState, type ReactNode } from 'react';
import { useApp, useSettings } from '../../app/context.tsx';
import { Button } from '../../ui/button.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Row } from './row.tsx';
import { TextRow } from './text-row.tsx';

/** Where models lie and come from, and how many may be in memory. */
export function InferenceSection(): ReactNode {
  const { settings, models } = useApp();
  const values = useSettings((s) => s.inference);
  const [folder, setFolder] = useState('');
  const update = (patch: Partial<typeof values>): void => void settings.getState().update({ inference: patch });
  return (
    <Panel title="Models and inference" id="inference">
      <ul className="set">
        <Row name="Folders searched for model files" sub="Besides those of LM Studio, Ollama and the Hugging Face cache">
          <form
            className="c"
            onSubmit={(e) => {
              e.preventDefault();
              if (folder.trim() === '') return;
              void models.getState().addFolder(folder.trim());
              setFolder('');
            }}
          >
            <span className="inp l"><input aria-label="Folder of models" spellCheck={false} placeholder="/data/models" value={folder} onChange={(e) => setFolder(e.target.value)} /></span>
            <Button small type="submit" disabled={folder.trim() === ''}>Add</Button>
          </form>
        </Row>
        {values.modelFolders.map((path) => (
          <Row key={path} name={path} dependent>
            <Button small onClick={() => update({ modelFolders: values.modelFolders.filter((f) => f !== path) })}>Remove</Button>
          </Row>
        ))}
        <TextRow name="Folder for downloads" sub="Models that Warpdeck gets" value={values.downloadFolder} placeholder="models, in the data folder" onChange={(downloadFolder) => update({ downloadFolder })} />
        <TextRow name="Model hub" sub="A mirror of it; asked only when you get or look up a model" value={values.hubUrl} placeholder="https://huggingface.co" onChange={(hubUrl) => update({ hubUrl })} />
        <Row name="Connections for one download">
          <NumberField label="Connections for one download" value={values.connections} min={1} max={16} step={1} unit="" onChange={(connections) => { if (connections !== null) update({ connections }); }} />
        </Row>
        <Row name="Models in memory at the same time">
          <NumberField label="Models in memory at the same time" value={values.maxLoaded} min={1} max={16} step={1} unit="" onChange={(maxLoaded) => { if (maxLoaded !== null) update({ maxLoaded }); }} />
        </Row>
        <Row name="Unload a model that is left alone" sub={values.unloadMinutes === 0 ? 'Never' : undefined}>
          <NumberField label="Unload a model that is left alone" value={values.unloadMinutes} min={0} max={10_080} step={5} unit="min" onChange={(unloadMinutes) => { if (unloadMinutes !== null) update({ unloadMinutes }); }} />
        </Row>
        <Row name="Requests that may wait for a model" sub="More are refused with “too many requests”">
          <NumberField label="Requests that may wait for a model" value={values.maxWaiting} min={0} max={10_000} step={1} unit="" onChange={(maxWaiting) => { if (maxWaiting !== null) update({ maxWaiting }); }} />
        </Row>
        <Row name="Longest answer that names no length">
          <NumberField label="Longest answer that names no length" value={values.maxAnswerTokens} min={16} max={1_000_000} step={256} unit="tokens" onChange={(maxAnswerTokens) => { if (maxAnswerTokens !== null) update({ maxAnswerTokens }); }} />
        </Row>
      </ul>
    </Panel>
  );
}
