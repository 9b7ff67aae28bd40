import type { ContractRouterClient } from '@orpc/contract';
import type { Api } from '../../contract/api.ts';

/** The typed client of everything in the contract; it survives reconnects. */
export type Client = ContractRouterClient<Api>;
