import { useState, type ReactNode, type SyntheticEvent } from 'react';
import { useApp } from '../../app/context.tsx';
import { Button } from '../../ui/button.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { Dialog } from '../../ui/dialog.tsx';

/** A folder that is searched besides the usual places: typed, because a browser tab knows no paths. */
export function AddFolder({ onClose }: { onClose(): void }): ReactNode {
  const { environments: store, ui } = useApp();
  const [path, setPath] = useState('');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    void store.getState().addFolder(path.trim()).then((ok) => {
      if (ok) ui.getState().say(`${plainText(path.trim())} is searched from now on.`);
    });
    onClose();
  };
  return (
    <Dialog label="Add a folder" className="ask" onClose={onClose}>
      <h2>Add a folder</h2>
      <form onSubmit={submit}>
        <label className="field">
          <span>A folder of this machine that is an environment, or holds some</span>
          <input className="txt" autoFocus required spellCheck={false} placeholder="/data/projects" value={path} maxLength={4096} onChange={(e) => setPath(e.target.value)} />
          <span className="q">A path on the machine where the engine runs. It is searched from now on, besides the usual places.</span>
        </label>
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <button type="submit" className="btn primary" disabled={path.trim() === ''}>Add and look</button>
        </footer>
      </form>
    </Dialog>
  );
}
