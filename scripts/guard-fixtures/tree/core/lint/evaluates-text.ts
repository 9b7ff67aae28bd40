// guard: eslint/no-restricted-imports
import { runInThisContext } from 'node:vm';

export const result: unknown = runInThisContext('1 + 1');
