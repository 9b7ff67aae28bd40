import { useState, type ReactNode } from 'react';
import { useApp, useSettings } from '../../app/context.tsx';
import { Button } from '../../ui/button.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Row } from './row.tsx';
import { TextRow } from './text-row.tsx';

/** Where environments are looked for, and where a repair gets its packages. */
export function EnvironmentsSection(): ReactNode {
  const { settings, environments } = useApp();
  const values = useSettings((s) => s.environments);
  const [folder, setFolder] = useState('');
  const update = (patch: Partial<typeof values>): void => void settings.getState().update({ environments: patch });
  return (
    <Panel title="Environments" id="environments">
      <ul className="set">
        <Row name="Folders searched besides the usual places" sub={values.folders.length === 0 ? 'None' : undefined}>
          <form
            className="c"
            onSubmit={(e) => {
              e.preventDefault();
              if (folder.trim() === '') return;
              void environments.getState().addFolder(folder.trim());
              setFolder('');
            }}
          >
            <span className="inp l"><input aria-label="Folder to search" spellCheck={false} placeholder="/data/projects" value={folder} onChange={(e) => setFolder(e.target.value)} /></span>
            <Button small type="submit" disabled={folder.trim() === ''}>Add</Button>
          </form>
        </Row>
        {values.folders.map((path) => (
          <Row key={path} name={path} dependent>
            <Button small onClick={() => update({ folders: values.folders.filter((f) => f !== path) })}>Remove</Button>
          </Row>
        ))}
        <Row name="Tell when another program changes torch" sub="Watches the package folders of every environment">
          <Switch label="Tell when another program changes torch" on={values.watch} onChange={(watch) => update({ watch })} />
        </Row>
        <TextRow name="PyTorch’s wheel index" sub="A mirror of it; asked only when a repair is planned" value={values.torchIndexUrl} placeholder="https://download.pytorch.org/whl" onChange={(torchIndexUrl) => update({ torchIndexUrl })} />
        <TextRow name="Package index" sub="A mirror; else what pip and uv are set to" value={values.packageIndexUrl} placeholder="as pip and uv are set" onChange={(packageIndexUrl) => update({ packageIndexUrl })} />
        <TextRow name="Folder of wheels" sub="Used alone: nothing is downloaded" value={values.wheelFolder} placeholder="none" onChange={(wheelFolder) => update({ wheelFolder })} />
        <Row name="Keep snapshots for" sub="Older changes can then no longer be undone; the newest of each environment stays">
          <NumberField label="Keep snapshots for" value={values.keepSnapshotDays} unit="d" min={1} max={3650} onChange={(v) => v !== null && update({ keepSnapshotDays: Math.round(v) })} />
        </Row>
      </ul>
    </Panel>
  );
}
