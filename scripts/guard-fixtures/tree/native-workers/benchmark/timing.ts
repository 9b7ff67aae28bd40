import { hostname } from 'node:os';

export const timing = { host: hostname() };
