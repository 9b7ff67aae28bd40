import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LaunchPlan } from '../../contract/optimize.ts';
import { launchFolder, makeLaunchEnvironment } from '../optimize/launch/launch-environment.ts';
import { readCommandPython } from '../optimize/launch/read-command-python.ts';
import { decideLaunchOutcome, readLaunchReport } from '../optimize/launch/read-launch-report.ts';
import { runForeground } from '../supervisor/run-foreground.ts';
import type { CommandContext } from './command.ts';
import { cleanText } from './display-width.ts';
import { parseChosen } from './parse-chosen.ts';
import { usageError } from './parse-command-line.ts';

/**
 * `optimize run -- COMMAND`: the user's own program with switches in force. What cannot be applied is dropped and said;
 * the program runs in any case. Its exit code is ours.
 * @throws ProblemError `program.not_found`, `profile.not_found`, `usage.unknown`
 */
export async function launchOptimized(command: readonly string[], context: CommandContext): Promise<number> {
  const { out, flags, env } = context;
  const set = flags.all('set');
  const profileId = flags.text('profile');
  if (set.length > 0 && profileId !== null) throw usageError('Give --set or --profile, not both.');
  const python = await readCommandPython(command, env, launchFolder());
  const engine = await context.attach({ anyGpus: context.gpus === null });
  const { client } = engine;
  const ask = async (): Promise<LaunchPlan> => client.optimize.planLaunch({ toggles: set.length === 0 ? null : await parseChosen(client, set), profileId: set.length === 0 ? (profileId ?? 'llm_inference') : null, python });
  const plan = await ask().finally(() => { engine.close(); });
  for (const one of plan.dropped) out.note(`${one.toggleId} is left out: ${cleanText(one.why)}`);
  const folder = await mkdtemp(join(tmpdir(), 'warpdeck-launch-'));
  try {
    const report = join(folder, 'report.jsonl');
    await writeFile(report, '', { mode: 0o600 });
    const { env: own, left } = makeLaunchEnvironment(env, plan, report);
    if (left.length > 0) out.note(`Left as you set them: ${left.join(', ')}.`);
    const code = await runForeground(command, own);
    const outcome = decideLaunchOutcome(plan, await readLaunchReport(report).catch(() => []));
    if (outcome.held.length > 0) out.note(`In force: ${outcome.held.join(', ')}.`);
    for (const one of outcome.dropped) out.note(`${one.toggleId} did not hold: ${cleanText(one.why)}`);
    if (outcome.note !== null) out.note(cleanText(outcome.note));
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
