import { useState, type ReactNode, type SyntheticEvent } from 'react';
import { useApp, useEnvironments } from '../../app/context.tsx';
import { Button } from '../../ui/button.tsx';

/** Judge for GPUs that are not in this machine, and for a driver that is not installed. */
export function WhatIfForm({ onDone }: { onDone(): void }): ReactNode {
  const { environments: store } = useApp();
  const whatIf = useEnvironments((s) => s.whatIf);
  const [gpus, setGpus] = useState((whatIf?.gpus ?? []).join(', '));
  const [driver, setDriver] = useState(whatIf?.driver ?? '');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    const names = gpus.split(',').map((name) => name.trim()).filter((name) => name !== '');
    void store.getState().judgeFor(names.length === 0 && driver.trim() === '' ? null : { gpus: names, driver: driver.trim() === '' ? null : driver.trim() });
    onDone();
  };
  return (
    <form className="whatif" onSubmit={submit} aria-label="Judge for other GPUs" onKeyDown={(e) => { if (e.key === 'Escape') onDone(); }}>
      <label className="gpus">
        <span>GPUs</span>
        <input className="txt" autoFocus placeholder="RTX 5090, sm_90" value={gpus} maxLength={400} onChange={(e) => setGpus(e.target.value)} aria-describedby="whatif-hint" />
      </label>
      <label className="driver">
        <span>Driver</span>
        <input className="txt" placeholder="580.95" value={driver} maxLength={40} onChange={(e) => setDriver(e.target.value)} />
      </label>
      <button type="submit" className="btn primary">Judge</button>
      <Button onClick={onDone}>Cancel</Button>
      <span id="whatif-hint" className="sub">Names, 12.0 or sm_120, with commas between. Empty: this machine’s GPUs.</span>
    </form>
  );
}

/** Says that what is shown is not this machine, and ends it. */
export function WhatIfBanner(): ReactNode {
  const { environments: store } = useApp();
  const whatIf = useEnvironments((s) => s.whatIf);
  if (whatIf === null) return null;
  const gpus = whatIf.gpus.length > 0 ? whatIf.gpus.join(', ') : 'this machine’s GPUs';
  return (
    <p className="callout below row">
      <span><b>Judged for {gpus}{whatIf.driver === null ? '' : ` with driver ${whatIf.driver}`}.</b> The environments are those of this machine.</span>
      <span className="sp" />
      <Button small onClick={() => void store.getState().judgeFor(null)}>Back to this machine</Button>
    </p>
  );
}
