// guard: eslint/no-restricted-imports
import { createRequire } from 'node:module';

export const koffi: unknown = createRequire(import.meta.url)('koffi');
