import { APP_URL, decideNavigation } from '../navigation-guard.ts';

/** Who sent a message to the main process, as far as that can be known. */
export interface SenderFacts {
  /** Null when the frame is gone by now. */
  readonly frame: { readonly url: string; readonly isMainFrame: boolean } | null;
  readonly knownWindow: boolean;
}

/** Only the main frame of a window of ours, showing our page, is listened to. */
export function decideSender(facts: SenderFacts): 'listen' | 'ignore' {
  if (!facts.knownWindow || facts.frame === null || !facts.frame.isMainFrame) return 'ignore';
  if (decideNavigation(facts.frame.url) !== 'allow') return 'ignore';
  return new URL(facts.frame.url).pathname === new URL(APP_URL).pathname ? 'listen' : 'ignore';
}
