import { implement, type Implementer } from '@orpc/server';
import { api, type Api } from '../../contract/api.ts';
import type { FaceContext } from './face-context.ts';

/** The contract's list, to be tied to services line by line. Outputs are not checked again on the way out. */
export const implementer: Implementer<Api, FaceContext & Record<never, never>, FaceContext> = implement(api).$config({ initialOutputValidationIndex: Number.NaN }).$context<FaceContext>();
