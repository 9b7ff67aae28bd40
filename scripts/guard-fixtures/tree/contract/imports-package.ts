// guard: depcruise/not-in-allowed
import { getNonce } from 'get-nonce';

export const nonce: string | undefined = getNonce();
