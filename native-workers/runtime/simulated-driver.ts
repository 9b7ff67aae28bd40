/**
 * nvidia-smi of the simulation: sets what a simulated GPU is told, in a folder that outlives the engine.
 * Arguments: the folder, then nvidia-smi's own. Answers and exit codes as nvidia-smi's.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decideSimulatedAnswer, parseSimulatedBoards, parseSimulatedSettings, simulatedFiles } from '../../contract/simulated-driver.ts';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const [folder = '', ...args] = process.argv.slice(2);
const path = join(folder, simulatedFiles.settings);
const held = parseSimulatedSettings(read(path));
const answer = decideSimulatedAnswer(args, parseSimulatedBoards(read(join(folder, simulatedFiles.devices))), held);
if (answer.settings !== null) {
  const all = new Map([...held, [args[1] ?? '', answer.settings] as const]);
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, JSON.stringify([...all].map(([uuid, settings]) => ({ uuid, ...settings }))), { mode: 0o600 });
  renameSync(beside, path);
}
process.stdout.write(`${answer.text}\n`);
process.exitCode = answer.exitCode;
