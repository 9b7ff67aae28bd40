import { useEffect, useState, type ReactNode } from 'react';
import { useApp, useEngine } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Row } from './row.tsx';

/** Secrets go to the engine and never come back: the page knows only whether they are set, and where they lie. */
export function SecretsSection(): ReactNode {
  const { engine, shell } = useApp();
  const secrets = useEngine((s) => valueOf(s.secrets));
  const busy = useEngine((s) => s.busy);
  const [draft, setDraft] = useState('');
  useEffect(() => {
    void engine.getState().loadSecrets();
  }, [engine]);
  const hub = secrets?.find((s) => s.name === 'hub_token') ?? null;
  const save = async (): Promise<void> => {
    if (await engine.getState().setSecret('hub_token', draft.trim())) setDraft('');
  };
  const remove = async (): Promise<void> => {
    const yes = await shell.confirm({ title: 'Remove the hub token?', detail: 'Models that need an account can then not be downloaded. The token itself stays valid at the hub.', confirmLabel: 'Remove hub token' });
    if (yes) await engine.getState().setSecret('hub_token', null);
  };
  return (
    <Panel title="Secrets" id="secrets" sub="never shown, logged or reported">
      <ul className="set">
        <Row name="Hub token" sub={secrets === null ? 'Asking the engine' : hub?.set ? `Set; it lies ${hub.where === 'keyring' ? 'in the system’s keyring' : 'in a file that only you can read'}` : 'Not set. For models that need an account at the hub'}>
          <form
            className="c"
            onSubmit={(e) => {
              e.preventDefault();
              if (draft.trim() !== '') void save();
            }}
          >
            <span className="inp l">
              <input type="password" autoComplete="off" spellCheck={false} aria-label="Hub token" placeholder={hub?.set ? 'replace it' : 'hf_…'} value={draft} onChange={(e) => setDraft(e.target.value)} />
            </span>
            <Button small type="submit" disabled={busy || draft.trim() === ''}>
              Keep
            </Button>
          </form>
          {hub?.set && (
            <Button small disabled={busy} onClick={() => void remove()}>
              Remove…
            </Button>
          )}
        </Row>
      </ul>
    </Panel>
  );
}
