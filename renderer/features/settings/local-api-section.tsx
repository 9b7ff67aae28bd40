import { useState, type ReactNode } from 'react';
import type { WebStatus } from '../../../contract/system.ts';
import { useApp, useEngine, useSettings } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { writeClipboard } from '../../ui/copy-line.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import { Panel } from '../../ui/panel.tsx';
import { StateMark, type StateKind } from '../../ui/state-mark.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Row } from './row.tsx';

/** Who can reach the web face, in words. Pure. */
export function decideReach(web: WebStatus | null): { readonly kind: StateKind; readonly words: string } {
  if (!web?.on) return { kind: 'unknown', words: 'off, nobody can reach it' };
  const loopback = web.host === '127.0.0.1' || web.host === 'localhost' || web.host === '::1';
  if (loopback) return { kind: 'fine', words: 'on, this machine only' };
  return web.secure ? { kind: 'attention', words: `on, reachable from outside on ${web.host ?? 'every address'}, encrypted` } : { kind: 'problem', words: `on, reachable from outside on ${web.host ?? 'every address'}, not encrypted` };
}

/** The first and last letters of a secret. Pure. */
export function maskSecret(text: string): string {
  return text.length <= 8 ? '••••••••' : `${text.slice(0, 2)}••••••••${text.slice(-4)}`;
}

export function LocalApiSection(): ReactNode {
  const { settings, engine, shell, ui } = useApp();
  const local = useSettings((s) => s.localApi);
  const web = useEngine((s) => valueOf(s.status)?.web ?? null);
  const token = useEngine((s) => s.webToken);
  const address = useEngine((s) => s.webAddress);
  const busy = useEngine((s) => s.busy);
  const [shown, setShown] = useState(false);
  const [copied, setCopied] = useState('');
  const reach = decideReach(web);
  const on = web?.on === true;

  /** Switching off from a tab cuts that tab off: it is asked first. */
  const sure = (): Promise<boolean> =>
    shell.kind === 'desktop' ? Promise.resolve(true) : shell.confirm({ title: 'Close the Local API?', detail: 'This tab and every other one lose the engine. It is opened again with “warpdeck serve”, or in the settings of the desktop window.', confirmLabel: 'Close the Local API' });
  const switchTo = async (next: boolean): Promise<void> => {
    if (next) {
      if (await settings.getState().update({ localApi: { on: true } })) await engine.getState().startWeb(local.port);
    } else if (await sure()) {
      await settings.getState().update({ localApi: { on: false } });
      await engine.getState().stopWeb();
    }
  };
  const changePort = async (port: number): Promise<void> => {
    if (!(await settings.getState().update({ localApi: { port } })) || !on) return;
    if (shell.kind === 'browser') ui.getState().say('The new port counts when the Local API is opened the next time.');
    else {
      await engine.getState().stopWeb();
      await engine.getState().startWeb(port);
    }
  };
  /** Asking to open what is open answers with its address and token. */
  const reveal = async (): Promise<void> => {
    if (token === null) await engine.getState().startWeb(null);
    setShown(true);
  };
  const copy = async (what: 'address' | 'token'): Promise<void> => {
    if (engine.getState().webToken === null) await engine.getState().startWeb(null);
    const text = what === 'token' ? engine.getState().webToken : engine.getState().webAddress;
    setCopied(text !== null && (await writeClipboard(text)) ? `The ${what} was copied.` : 'The clipboard refused it: show it and copy it by hand.');
  };

  return (
    <Panel
      title="Local API"
      id="local-api"
      sub="for browsers, scripts and other programs"
      side={
        <>
          <StateMark kind={reach.kind}>{reach.words}</StateMark>
          <Switch label="Local API" on={on} disabled={busy || web === null} onChange={(next) => void switchTo(next)} />
        </>
      }
    >
      <ul className="set">
        <Row name="Address" sub={on ? <code className="path">{web?.url}</code> : 'This interface in a browser, readings as JSON, Prometheus under /metrics'}>
          {on && (
            <>
              <Button small disabled={busy} onClick={() => void copy('address')}>
                Copy with token
              </Button>
              {shell.kind === 'desktop' && (
                <Button small disabled={busy} onClick={() => void reveal().then(() => engine.getState().webAddress !== null && shell.openExternal(engine.getState().webAddress ?? ''))}>
                  Open
                </Button>
              )}
            </>
          )}
          <NumberField label="Port" value={local.port} unit="port" min={1} max={65_535} onChange={(v) => v !== null && void changePort(Math.round(v))} />
        </Row>
        <Row name="Token" sub={<span role="status">{copied || 'Asked of every caller; new with each start of the engine, unless WARPDECK_TOKEN sets it'}</span>}>
          {on ? (
            <>
              <code className="v">{shown && token !== null ? token : token !== null ? maskSecret(token) : '••••••••••••'}</code>
              <Button small disabled={busy} onClick={() => (shown ? setShown(false) : void reveal())}>
                {shown ? 'Hide' : 'Show'}
              </Button>
              <Button small disabled={busy} onClick={() => void copy('token')}>
                Copy
              </Button>
            </>
          ) : (
            <span className="v">made when it is opened</span>
          )}
        </Row>
        <Row name="Prometheus" sub={on ? <code className="path">{`${web?.url?.replace(/\/$/, '') ?? ''}/metrics`}</code> : 'Under /metrics, with its own read-only token'}>
          <Switch label="Prometheus" on={local.metrics} onChange={(metrics) => void settings.getState().update({ localApi: { metrics } })} />
        </Row>
        {shown && address !== null && (
          <li>
            <div className="callout">
              <b>Who has this address has the engine.</b> <code className="path">{address}</code>
            </div>
          </li>
        )}
        <li>
          <div className="callout">
            <b>Other machines</b> cannot reach it. To offer it to them, start it with a certificate: <code>warpdeck serve --host ADDRESS --cert FILE --key FILE</code>.
          </div>
        </li>
      </ul>
    </Panel>
  );
}
