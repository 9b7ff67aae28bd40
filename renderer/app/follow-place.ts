import type { IntentRegistry } from './intents.ts';
import { goToPlace } from './routes.ts';

/** Where the steps against a missing driver stand. */
export const WHAT_TO_DO_ID = 'what-to-do';

/**
 * Follows what a readiness line or a Problem's action points at: `operation:gpus.refresh` performs the intent of that
 * name, `page:alerts` or `settings/local-api` goes there. An unknown place does nothing.
 */
export function followPlace(intents: IntentRegistry, place: string): void {
  if (place.startsWith('operation:')) {
    intents.run(place.slice('operation:'.length));
    return;
  }
  goToPlace(place.replace(/^page:/, ''));
  document.getElementById(WHAT_TO_DO_ID)?.scrollIntoView({ block: 'center' });
}
