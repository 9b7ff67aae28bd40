// guard: depcruise/processes-start-in-one-place
// guard: eslint/no-restricted-imports
import { spawn } from 'node:child_process';

export const start = (): unknown => spawn('true');
