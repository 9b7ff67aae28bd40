import { used } from './used-in-part.ts';

export const version = used;
