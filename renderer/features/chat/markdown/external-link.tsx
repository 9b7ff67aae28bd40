import { createContext, useContext, type MouseEvent, type ReactNode } from 'react';

/** Opens an address outside, after asking; handed down so that drawn blocks can be kept. */
export const LinkOpener = createContext<(url: string) => void>(() => undefined);

/** The address of a link as it may be opened: http or https, absolute; else null. Pure. */
export function webAddress(href: string | undefined): string | null {
  if (href === undefined || href.length > 2000) return null;
  try {
    const url = new URL(href);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}

/** A link of an answer: it shows where it leads and never opens by itself. Anything but a web address stays text. */
export function ExternalLink({ href, children }: { readonly href?: string | undefined; readonly children?: ReactNode }): ReactNode {
  const open = useContext(LinkOpener);
  const address = webAddress(href);
  if (address === null) return <>{children}</>;
  const onClick = (event: MouseEvent): void => {
    event.preventDefault();
    open(address);
  };
  return (
    <a href={address} title={address} rel="noopener noreferrer nofollow" onClick={onClick} onAuxClick={onClick}>
      {children}
    </a>
  );
}
