import { VERSION } from '../system/version.ts';
import { runCommandLine } from './run-command-line.ts';

await runCommandLine({ args: process.argv.slice(2), version: VERSION });
