import { useState, type ReactNode, type SyntheticEvent } from 'react';
import type { ChosenToggle, Profile } from '../../../contract/optimize.ts';
import { useApp } from '../../app/context.tsx';
import { keyOfSet } from '../../stores/optimise-store.ts';
import { Button } from '../../ui/button.tsx';
import { plainText } from '../../ui/plain-text.ts';

/** What the profile is for; keeping the switches that are on as a set of one's own; forgetting one. */
export function ProfileTools({ profile, draft }: { readonly profile: Profile | null; readonly draft: readonly ChosenToggle[] }): ReactNode {
  const { optimise, shell } = useApp();
  const [naming, setNaming] = useState(false);
  const [title, setTitle] = useState('');
  const changed = profile !== null && keyOfSet(profile.toggles) !== keyOfSet(draft);
  const save = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    const saved = await optimise.getState().saveProfile(null, title.trim(), draft);
    if (saved === null) return;
    setNaming(false);
    setTitle('');
    optimise.getState().setProfile(saved.id);
  };
  const remove = async (): Promise<void> => {
    if (profile !== null && (await shell.confirm({ title: `Forget ${plainText(profile.title)}?`, detail: 'The set goes. What was measured and what is applied stays.', confirmLabel: 'Forget' }))) await optimise.getState().removeProfile(profile.id);
  };
  if (profile === null && draft.length === 0) return null;
  return (
    <div className="proftools">
      {naming ? (
        <form onSubmit={(e) => void save(e)} onKeyDown={(e) => { if (e.key === 'Escape') { e.preventDefault(); setNaming(false); } }}>
          <input className="txt" autoFocus required maxLength={80} aria-label="Name of the set" placeholder="Name of the set" value={title} onChange={(e) => setTitle(e.target.value)} />
          <button type="submit" className="btn s" disabled={title.trim() === ''}>Keep</button>
          <Button small onClick={() => setNaming(false)}>Cancel</Button>
        </form>
      ) : draft.length > 0 && (profile === null || changed) && <Button small look="bare" onClick={() => setNaming(true)}>Keep these as a set…</Button>}
      {profile !== null && !profile.builtIn && changed && draft.length > 0 && <Button small look="bare" onClick={() => void optimise.getState().saveProfile(profile.id, profile.title, draft)}>Save changes</Button>}
      {changed && <Button small look="bare" onClick={() => optimise.getState().setDraft(profile.id, profile.toggles)}>Back to the profile</Button>}
      {profile !== null && !profile.builtIn && <Button small look="bare" onClick={() => void remove()}>Forget the set…</Button>}
    </div>
  );
}
