import { useState, type ReactNode, type SyntheticEvent } from 'react';
import { useApp } from '../../app/context.tsx';
import { goTo } from '../../app/routes.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Button } from '../../ui/button.tsx';
import { plainText } from '../../ui/plain-text.ts';

/** A repository on the model hub or an address; or a file or folder of this machine. Typed: a browser tab knows no paths. */
export function GetModel({ what, onClose }: { readonly what: 'get' | 'folder'; onClose(): void }): ReactNode {
  const { models: store, ui } = useApp();
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    const wanted = text.trim();
    setBusy(true);
    if (what === 'folder') {
      if (await store.getState().addFolder(wanted)) ui.getState().say(`${plainText(wanted)} is searched from now on.`);
    } else if (/^https?:\/\//i.test(wanted)) {
      await store.getState().get({ url: wanted, sha256: null });
    } else {
      const found = await store.getState().lookUp(wanted);
      if (found !== null) goTo('models', `offered:${found.id}`);
    }
    onClose();
  };
  return (
    <Dialog label={what === 'get' ? 'Get another model' : 'Add a file or folder'} className="ask" onClose={onClose}>
      <h2>{what === 'get' ? 'Get another model' : 'Add a file or folder'}</h2>
      <form onSubmit={(e) => void submit(e)}>
        <label className="field">
          <span>{what === 'get' ? 'A repository on the model hub (owner/name), or the address of a GGUF file' : 'A GGUF file of this machine, or a folder that holds some'}</span>
          <input className="txt" autoFocus required spellCheck={false} placeholder={what === 'get' ? 'bartowski/Qwen2.5-7B-Instruct-GGUF' : '/data/models'} value={text} maxLength={4000} onChange={(e) => setText(e.target.value)} />
          <span className="q">{what === 'get' ? 'What a repository has is shown first: size, memory and predicted speed.' : 'A path on the machine where the engine runs. Files stay where they are.'}</span>
        </label>
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" className="btn primary" disabled={text.trim() === '' || busy}>{what === 'folder' ? 'Add' : /^https?:\/\//i.test(text.trim()) ? 'Get' : 'Look it up'}</button>
        </footer>
      </form>
    </Dialog>
  );
}
