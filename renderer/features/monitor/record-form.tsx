import { useState, type ReactNode, type SyntheticEvent } from 'react';
import type { Problem } from '../../../contract/problem.ts';
import { useClient } from '../../app/context.tsx';
import { problemFrom } from '../../connection/problem-from.ts';
import { NumberField } from '../../ui/number-field.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';

/** How long to record. The recording is a job: the strip below shows it, wherever one goes. */
export function RecordForm({ onDone }: { onDone(): void }): ReactNode {
  const client = useClient();
  const [seconds, setSeconds] = useState(60);
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const start = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setPending(true);
    try {
      await client.recordings.start({ seconds });
      onDone();
    } catch (error) {
      setProblem(problemFrom(error));
      setPending(false);
    }
  };
  return (
    <form onSubmit={(e) => void start(e)}>
      <p className="sub">Writes what the driver says into a file that Warpdeck can play again with --gpus replay:FILE.</p>
      <div className="line">
        <NumberField label="Seconds to record" value={seconds} unit="s" min={1} max={86_400} step={10} onChange={(next) => next !== null && setSeconds(next)} />
        <button type="submit" className="btn primary" disabled={pending}>
          {pending ? 'Starting…' : 'Record'}
        </button>
      </div>
      {problem && <ProblemNote problem={problem} />}
    </form>
  );
}
