import { StrictMode, useEffect, useState, type ReactNode } from 'react';
import { useStore } from 'zustand';
import type { TokenBox } from '../connection/web-transport.ts';
import { AppProvider, type App } from './context.tsx';
import { CrashBoundary } from './crash-boundary.tsx';
import { Frame } from './frame.tsx';
import { AddressGate, WaitingGate } from './gates.tsx';

/** How long the page stays empty before it says that it waits, ms: most starts are faster. */
const PATIENCE_MS = 400;

/** The gate until the engine has answered once; from then on the frame stays, whatever happens to the connection. */
export function Root({ app, token }: { readonly app: App; readonly token: TokenBox | null }): ReactNode {
  const connection = useStore(app.connection.store);
  const [entered, setEntered] = useState(false);
  const [patient, setPatient] = useState(true);
  useEffect(() => {
    if (connection.state === 'ready') setEntered(true);
  }, [connection.state]);
  useEffect(() => {
    const timer = setTimeout(() => setPatient(false), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  const retry = (): void => {
    app.shell.restartEngine();
    app.connection.retryNow();
  };
  let page: ReactNode;
  if (connection.state === 'unauthorised' && token !== null) {
    page = (
      <AddressGate
        refused={token.get() !== null}
        onToken={(next) => {
          token.set(next);
          app.connection.retryNow();
        }}
      />
    );
  } else if (entered || connection.state === 'ready') page = <Frame />;
  else page = patient && connection.state === 'connecting' ? null : <WaitingGate connection={connection} onRetry={retry} />;
  return (
    <StrictMode>
      <AppProvider app={app}>
        <CrashBoundary>{page}</CrashBoundary>
      </AppProvider>
    </StrictMode>
  );
}
