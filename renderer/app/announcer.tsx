import { useEffect, useRef, useState, type ReactNode } from 'react';
import { valueOf } from '../connection/remote.ts';
import { useAlerts } from './context.tsx';

/** Says new alerts to a screen reader, as they come. What was open when the page was opened is on the page. */
export function AlertAnnouncer(): ReactNode {
  const open = useAlerts((s) => valueOf(s.alerts)?.open);
  const known = useRef<ReadonlySet<string> | null>(null);
  const [text, setText] = useState('');
  useEffect(() => {
    if (!open) return;
    const before = known.current;
    known.current = new Set(open.map((a) => a.id));
    if (before === null) return;
    const fresh = open.filter((a) => !before.has(a.id));
    if (fresh.length > 0) setText(fresh.map((a) => `${a.title}. ${a.text}`).join(' '));
  }, [open]);
  return (
    <div className="sr" role="log" aria-live="assertive" aria-label="New alerts">
      {text}
    </div>
  );
}
