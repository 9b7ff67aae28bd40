import type { ReactNode } from 'react';
import { valueOf } from '../connection/remote.ts';
import { Icon, type IconName } from '../ui/icons.tsx';
import { formatCount } from '../ui/format.ts';
import { useAlerts } from './context.tsx';
import { hrefOf, useRoute, type PageName } from './routes.ts';

export function Mark(): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 14 14" aria-hidden="true">
      <path d="M0 0h6v3H3v8h3v3H0zM14 0H8v3h3v8H8v3h6z" fill="currentColor" />
    </svg>
  );
}

interface EntryProps {
  readonly page: PageName;
  readonly title: string;
  readonly icon: IconName;
  readonly keys: string;
  readonly digit?: string;
  readonly children?: ReactNode;
  readonly extra?: string;
}

function Entry({ page, title, icon, keys, digit, extra, children }: EntryProps): ReactNode {
  const here = useRoute().page === page;
  return (
    <a href={hrefOf(page)} aria-current={here ? 'page' : undefined} title={`${title}${extra ? `: ${extra}` : ''} (${keys.replace(' ', '+')})`}>
      <Icon name={icon} />
      <span>{title}</span>
      {digit && <kbd aria-hidden="true">{digit}</kbd>}
      {children}
    </a>
  );
}

/** The areas. An area gets its entry with its first page. */
export function Rail(): ReactNode {
  const open = useAlerts((s) => valueOf(s.alerts)?.open.length ?? 0);
  return (
    <aside className="rail" aria-label="Areas">
      <div className="brand">
        <Mark />
        <span>Warpdeck</span>
      </div>
      <nav aria-label="Areas">
        <Entry page="monitor" title="Monitor" icon="monitor" keys="Alt 1" digit="1" />
        <Entry page="environments" title="Environments" icon="env" keys="Alt 2" digit="2" />
        <Entry page="optimise" title="Optimise" icon="opt" keys="Alt 3" digit="3" />
        <Entry page="benchmarks" title="Benchmarks" icon="bench" keys="Alt 4" digit="4" />
        <Entry page="chat" title="Chat" icon="chat" keys="Alt 5" digit="5" />
        <Entry page="models" title="Models" icon="model" keys="Alt 6" digit="6" />
        <div className="gap" />
        <Entry page="alerts" title="Alerts" icon="bell" keys="Alt 8" {...(open > 0 ? { extra: formatCount(open, 'open alert') } : {})}>
          {open > 0 && (
            <span className="count">
              {open}
              <span className="sr"> open</span>
            </span>
          )}
        </Entry>
        <Entry page="settings" title="Settings" icon="gear" keys="Ctrl ," />
      </nav>
    </aside>
  );
}
