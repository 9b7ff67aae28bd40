import { useLayoutEffect, useState, type ComponentType, type ReactNode } from 'react';

export interface LazyPage<P extends object> {
  readonly Page: (props: P) => ReactNode;
  /** Fetches the code, once. @throws what the import throws; the next call tries again */
  load(): Promise<ComponentType<P>>;
}

/**
 * A page whose code is fetched when it is first shown. Not by `lazy` and Suspense: what follows a fallback is held back
 * until 300 ms after it (FALLBACK_THROTTLE_MS in React's work loop), and `lazy` shows one even where the code is there.
 */
export function lazyPage<P extends object>(fetchCode: () => Promise<ComponentType<P>>): LazyPage<P> {
  let known: ComponentType<P> | null = null;
  let pending: Promise<ComponentType<P>> | null = null;
  const load = (): Promise<ComponentType<P>> => (pending ??= fetchCode().then((page) => (known = page), (error: unknown) => {
    pending = null;
    throw error;
  }));

  function Page(props: P): ReactNode {
    const [Shown, setShown] = useState(() => known);
    const [failure, setFailure] = useState<{ readonly error: unknown } | null>(null);
    useLayoutEffect(() => {
      if (Shown !== null) return;
      let isShown = true;
      load().then((page) => { if (isShown) setShown(() => page); }, (error: unknown) => { if (isShown) setFailure({ error }); });
      return () => { isShown = false; };
    }, [Shown]);
    // For the frame's boundary, as a page that fails to draw.
    if (failure !== null) throw failure.error;
    return Shown === null ? null : <Shown {...props} />;
  }
  return { Page, load };
}
