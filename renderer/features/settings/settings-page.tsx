import './settings.css';
import { useEffect, useState, type ReactNode } from 'react';
import { useSettingsStore } from '../../app/context.tsx';
import { hrefOf, useRoute } from '../../app/routes.ts';
import { settingsStatusOf } from '../../stores/settings-store.ts';
import { Icon } from '../../ui/icons.tsx';
import { AppearanceSection } from './appearance-section.tsx';
import { DiagnosticsSection } from './diagnostics-section.tsx';
import { EnvironmentsSection } from './environments-section.tsx';
import { InferenceSection } from './inference-section.tsx';
import { HistorySection } from './history-section.tsx';
import { LocalApiSection } from './local-api-section.tsx';
import { MonitorSection } from './monitor-section.tsx';
import { NotificationsSection } from './notifications-section.tsx';
import { SecretsSection } from './secrets-section.tsx';
import { findSections, sections } from './sections.ts';

const parts: Readonly<Record<string, () => ReactNode>> = {
  appearance: AppearanceSection,
  monitor: MonitorSection,
  history: HistorySection,
  environments: EnvironmentsSection,
  inference: InferenceSection,
  notifications: NotificationsSection,
  'local-api': LocalApiSection,
  secrets: SecretsSection,
  diagnostics: DiagnosticsSection,
};

/** Sections at the left, rows of name, consequence and control. Changes count at once; there is no Save. */
export function SettingsPage(): ReactNode {
  const { section } = useRoute();
  const status = useSettingsStore(settingsStatusOf);
  const [typed, setTyped] = useState('');
  const shown = findSections(typed);
  const current = section ?? sections[0]?.id;
  useEffect(() => {
    const element = section === null ? null : document.getElementById(section);
    if (element && 'scrollIntoView' in element) element.scrollIntoView({ block: 'start' });
  }, [section]);
  const half = Math.ceil(shown.length / 2);
  return (
    <div className="page">
      <div className="head">
        <h1>Settings</h1>
        <span className="sub">{status?.state === 'read_only_newer' ? 'changes are not kept' : status?.state === 'not_writable' ? 'changes count until the engine ends' : 'saved as you change them'}</span>
        <span className="sp" />
        <label className="search find">
          <Icon name="search" />
          <span className="sr">Find a setting</span>
          <input type="search" placeholder="Find a setting" value={typed} onChange={(e) => setTyped(e.target.value)} />
        </label>
      </div>
      {status && status.state !== 'ok' && (
        <p className="callout below" role="status">
          <b>{status.state === 'read_only_newer' ? 'The settings are from a newer Warpdeck.' : status.state === 'set_aside' ? 'The settings could not be read and were set aside.' : 'Settings cannot be saved.'}</b> {status.note}
        </p>
      )}
      <div className="setp">
        <nav className="setn" aria-label="Sections">
          {sections.map((s) => (
            <a key={s.id} href={hrefOf('settings', s.id)} aria-current={s.id === current ? 'true' : undefined}>
              {s.short ?? s.title}
            </a>
          ))}
        </nav>
        <div className="sets">
          {[shown.slice(0, half), shown.slice(half)].map((column, i) => (
            <div key={i}>
              {column.map((s) => {
                const Part = parts[s.id];
                return Part ? <Part key={s.id} /> : null;
              })}
            </div>
          ))}
          {shown.length === 0 && <p className="sub">No setting is called “{typed}”.</p>}
        </div>
      </div>
    </div>
  );
}
