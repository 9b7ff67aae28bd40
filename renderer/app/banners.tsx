import { useState, type ReactNode } from 'react';
import type { Problem } from '../../contract/problem.ts';
import { valueOf } from '../connection/remote.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { useApp, useConnection, useEngine, useSettingsStore, useUi } from './context.tsx';

/** Why the connection is lost, as a sentence. Pure. */
export function lostSentence(problem: Problem): string {
  const detail = problem.code === 'engine.unreachable' ? String(problem.facts['detail'] ?? '') : problem.cause;
  if (detail === '') return '';
  return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}${/[.!?]$/.test(detail) ? '' : '.'}`;
}

interface BannerProps {
  readonly severity: Problem['severity'];
  readonly title: string;
  readonly text: string;
  readonly children?: ReactNode;
  onDismiss?(): void;
}

function Banner({ severity, title, text, children, onDismiss }: BannerProps): ReactNode {
  return (
    <div className={`banner ${severity}`} role={severity === 'problem' ? 'alert' : 'status'}>
      <Icon name={severity === 'problem' ? 'bad' : severity === 'attention' ? 'warn' : 'info'} />
      <p>
        <b>{title}.</b> {text}
      </p>
      {children}
      {onDismiss && <Button look="bare" small icon="x" label={`Dismiss: ${title}`} onClick={onDismiss} />}
    </div>
  );
}

/** What concerns every page: the connection, the engine's notices, what the user did that failed or succeeded. */
export function Banners(): ReactNode {
  const app = useApp();
  const connection = useConnection((s) => s);
  const notices = useEngine((s) => valueOf(s.status)?.notices);
  const settingsProblem = useSettingsStore((s) => s.problem);
  const engineProblem = useEngine((s) => s.problem);
  const trouble = useUi((s) => s.trouble);
  const said = useUi((s) => s.said);
  const [dismissed, setDismissed] = useState<readonly string[]>([]);
  const dismiss = (key: string) => () => setDismissed((list) => [...list, key]);
  const keyOf = (p: Problem): string => `${p.code} ${p.cause}`;
  const all = [...(connection.state === 'ready' && connection.notice ? [connection.notice] : []), ...(notices ?? []), ...(settingsProblem ? [settingsProblem] : []), ...(engineProblem ? [engineProblem] : [])];
  const shown = [...new Map(all.map((p) => [keyOf(p), p])).values()].filter((p) => !dismissed.includes(keyOf(p)) && p.severity !== 'info');
  return (
    <div className="banners">
      {connection.state === 'lost' && (
        <Banner severity="problem" title="The engine does not answer" text={`${lostSentence(connection.problem)} What is shown is old. It is tried again by itself, and the page goes on when it answers.`}>
          <Button
            small
            onClick={() => {
              app.shell.restartEngine();
              app.connection.retryNow();
            }}
          >
            Try now
          </Button>
        </Banner>
      )}
      {shown.map((p) => (
        <Banner key={keyOf(p)} severity={p.severity} title={p.title} text={`${p.cause} ${p.remedy}`} onDismiss={dismiss(keyOf(p))} />
      ))}
      {trouble && <Banner severity={trouble.severity} title={trouble.title} text={`${trouble.cause} ${trouble.remedy}`} onDismiss={() => app.ui.getState().complain(null)} />}
      {said !== null && (
        <div className="banner info" role="status">
          <Icon name="ok" />
          <p>{said}</p>
          <Button look="bare" small icon="x" label="Dismiss" onClick={() => app.ui.getState().say(null)} />
        </div>
      )}
    </div>
  );
}
