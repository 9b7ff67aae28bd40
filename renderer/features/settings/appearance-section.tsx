import { useEffect, useState, type ReactNode } from 'react';
import { useApp, useSettings } from '../../app/context.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { Select } from '../../ui/select.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Row } from './row.tsx';

export function AppearanceSection(): ReactNode {
  const { settings, shell } = useApp();
  const appearance = useSettings((s) => s.appearance);
  const [tray, setTray] = useState(false);
  const desktop = shell.kind === 'desktop';
  useEffect(() => {
    let current = true;
    void shell.windowState().then((state) => current && setTray(state?.trayAvailable === true));
    return () => {
      current = false;
    };
  }, [shell]);
  const update = (patch: Partial<typeof appearance>): void => void settings.getState().update({ appearance: patch });
  return (
    <Panel title="Appearance" id="appearance">
      <ul className="set">
        <Row name="Theme" sub="Both are drawn for a long day">
          <Segmented label="Theme" value={appearance.theme} options={[{ value: 'system', text: 'System' }, { value: 'dark', text: 'Dark' }, { value: 'light', text: 'Light' }]} onChange={(theme) => update({ theme })} />
        </Row>
        <Row name="Close button" sub={desktop && !tray ? 'This desktop shows no tray, so the window closes' : 'Of the desktop window. The engine ends 10 s after the last face has gone, unless a job runs'}>
          <Select label="Close button" value={appearance.closeToTray ? 'hide' : 'close'} options={[{ value: 'close', text: 'closes Warpdeck' }, { value: 'hide', text: 'hides the window' }]} disabled={desktop && !tray} onChange={(v) => update({ closeToTray: v === 'hide' })} />
        </Row>
        <Row name="Start minimised" sub="Of the desktop window: it starts in the tray or the task bar">
          <Switch label="Start minimised" on={appearance.startMinimised} onChange={(startMinimised) => update({ startMinimised })} />
        </Row>
      </ul>
    </Panel>
  );
}
