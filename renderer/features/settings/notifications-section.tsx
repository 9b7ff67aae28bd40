import { useState, type ReactNode } from 'react';
import { useApp, useSettings } from '../../app/context.tsx';
import { Button } from '../../ui/button.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Select } from '../../ui/select.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Row } from './row.tsx';

type Which = 'all' | 'problems';

export function NotificationsSection(): ReactNode {
  const { settings, shell } = useApp();
  const notifications = useSettings((s) => s.notifications);
  const [sent, setSent] = useState<string | null>(null);
  const update = (patch: Partial<typeof notifications>): void => void settings.getState().update({ notifications: patch });
  const quiet = notifications.quietFrom !== null && notifications.quietTo !== null;
  const test = async (): Promise<void> => {
    const shown = await shell.notify({ title: 'A test of Warpdeck', body: 'Alerts look like this.', alertId: null });
    setSent(shown ? 'It was sent.' : shell.kind === 'browser' ? 'The browser does not permit it: allow notifications for this page.' : 'The desktop does not show notifications.');
  };
  return (
    <Panel title="Alerts and notifications" id="notifications" sub={<a href="#/alerts">Thresholds are under Alerts</a>}>
      <ul className="set">
        <Row name="On the desktop" sub={shell.kind === 'browser' ? 'By the browser, while this tab is open' : 'By the desktop, also while the window is hidden'}>
          <Select<Which> label="Which alerts" value={notifications.which} options={[{ value: 'problems', text: 'problems only' }, { value: 'all', text: 'all alerts' }]} disabled={!notifications.on} onChange={(which) => update({ which })} />
          <Switch label="Notifications" on={notifications.on} onChange={(on) => update({ on })} />
        </Row>
        <Row name="Quiet hours" sub="A lost GPU still comes through">
          {quiet && (
            <>
              <TimeField label="Quiet from" value={notifications.quietFrom ?? ''} onChange={(quietFrom) => update({ quietFrom })} />
              <span className="q">to</span>
              <TimeField label="Quiet to" value={notifications.quietTo ?? ''} onChange={(quietTo) => update({ quietTo })} />
            </>
          )}
          <Switch label="Quiet hours" on={quiet} onChange={(on) => update(on ? { quietFrom: '22:00', quietTo: '07:00' } : { quietFrom: null, quietTo: null })} />
        </Row>
        <Row name="Try it" sub={<span role="status">{sent ?? 'Sends one now, also in quiet hours'}</span>}>
          <Button small onClick={() => void test()}>
            Send a test
          </Button>
        </Row>
      </ul>
    </Panel>
  );
}

function TimeField({ label, value, onChange }: { readonly label: string; readonly value: string; onChange(value: string): void }): ReactNode {
  return (
    <span className="inp time">
      <input type="time" aria-label={label} value={value} onChange={(e) => /^\d\d:\d\d$/.test(e.target.value) && onChange(e.target.value)} />
    </span>
  );
}
