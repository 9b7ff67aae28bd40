import { useState, type SyntheticEvent, type ReactNode } from 'react';
import type { ConnectionState } from '../connection/connect.ts';
import { parsePastedAddress } from '../connection/web-transport.ts';
import { Button } from '../ui/button.tsx';
import { CopyLine } from '../ui/copy-line.tsx';
import { ProblemNote } from '../ui/problem-note.tsx';
import { lostSentence } from './banners.tsx';
import { Mark } from './rail.tsx';

/** Before the engine has answered for the first time. */
export function WaitingGate({ connection, onRetry }: { readonly connection: ConnectionState; onRetry(): void }): ReactNode {
  return (
    <main className="gate">
      <div>
        <h1>
          <Mark /> {connection.state === 'lost' ? 'The engine does not answer' : 'Waiting for the engine'}
        </h1>
        {connection.state === 'lost' ? (
          <>
            <ProblemNote problem={{ ...connection.problem, cause: lostSentence(connection.problem) }} />
            <p role="status">Tried {connection.attempts === 1 ? 'once' : `${connection.attempts} times`}; it is tried again by itself.</p>
            <div>
              <Button look="primary" onClick={onRetry}>
                Try now
              </Button>
            </div>
          </>
        ) : (
          <p role="status">It is being started. This takes a second or two.</p>
        )}
      </div>
    </main>
  );
}

/** A browser tab without a valid token: it was reloaded, or the engine has another one now. */
export function AddressGate({ refused, onToken }: { readonly refused: boolean; onToken(token: string): void }): ReactNode {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    const token = parsePastedAddress(text);
    if (token === null) setWrong(true);
    else onToken(token);
  };
  return (
    <main className="gate">
      <div>
        <h1>
          <Mark /> {refused ? 'The token is not valid any more' : 'This tab needs the address again'}
        </h1>
        <p>
          {refused ? 'The engine was started anew or the token was changed. ' : 'The token is kept in the memory of the tab only, so a reload forgets it. '}
          Open the address that <code>warpdeck serve</code> printed, or paste it here.
        </p>
        <form onSubmit={submit}>
          <label className="inp">
            <span className="sr">Address or token</span>
            <input
              autoFocus
              type="password"
              autoComplete="off"
              spellCheck={false}
              placeholder={`${location.origin}/#token=…`}
              value={text}
              aria-invalid={wrong}
              aria-describedby="address-hint"
              onChange={(e) => {
                setText(e.target.value);
                setWrong(false);
              }}
            />
          </label>
          <button type="submit" className="btn primary">
            Connect
          </button>
        </form>
        <p id="address-hint" className="sub" role={wrong ? 'alert' : undefined}>
          {wrong ? 'This holds no token: paste the whole address, with what stands behind #.' : 'It looks like http://127.0.0.1:7757/#token=… and can be printed again:'}
        </p>
        <CopyLine command="warpdeck serve --open" />
      </div>
    </main>
  );
}
