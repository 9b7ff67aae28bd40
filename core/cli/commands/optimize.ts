import { createInterface } from 'node:readline/promises';
import type { ApplyPlan, MeasureWish } from '../../../contract/optimize.ts';
import type { EngineClient } from '../../engine/connect.ts';
import { JSON_SCHEMA_VERSION, type CommandContext, type Flags } from '../command.ts';
import { renderApplications, renderApplyPlan, renderEffect, renderHealth, renderOverview, renderProfiles, renderSlow, renderToggle } from '../optimize-text.ts';
import { findNearMatch } from '../near-match.ts';
import { parseChosen } from '../parse-chosen.ts';
import { numberFlag, usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';
import { renderProblems } from '../verdict-table.ts';
import { endWithoutResult, finishJob } from '../finish-job.ts';
import { readEnvironmentId } from './bench.ts';

const verbs = ['ls', 'show', 'measure', 'apply', 'revert', 'applied', 'profile', 'run', 'health', 'slow'] as const;
type OptimizeVerb = (typeof verbs)[number];
const takesNothing: ReadonlySet<OptimizeVerb> = new Set(['ls', 'applied', 'profile', 'health', 'slow']);

/** @throws ProblemError `usage.unknown` */
export function parseOptimizeWords(words: readonly string[]): { readonly verb: OptimizeVerb; readonly rest: readonly string[] } {
  const [first = 'ls', ...rest] = words;
  const verb = verbs.find((one) => one === first);
  if (verb === undefined) {
    const near = findNearMatch(first, verbs);
    throw usageError(`"optimize" knows ${verbs.join(', ')}, not "${first}".${near === null ? '' : ` Did you mean "${near}"?`}`);
  }
  if ((verb === 'measure' || verb === 'apply' || verb === 'show') && rest.length === 0) throw usageError(`"optimize ${verb}" needs a switch; "optimize ls" lists them.`);
  if (takesNothing.has(verb) && rest.length > 0) throw usageError(`"optimize ${verb}" takes no name, and there is "${rest[0] ?? ''}".`);
  if (verb === 'revert' && rest.length !== 1) throw usageError('"optimize revert" needs an id; "optimize applied" lists them.');
  if (verb === 'run' && rest.length === 0) throw usageError('"optimize run" needs a program: warpdeck optimize run --set tf32 -- python train.py.');
  return { verb, rest };
}

/** The shell of this system. */
const shell = process.platform === 'win32' ? ['cmd.exe', '/d', '/s', '/c'] : ['sh', '-c'];

/** What measure is told by flags, checked before an engine is started for it. @throws ProblemError `usage.unknown` */
function readMeasureFlags(flags: Flags): Pick<MeasureWish, 'workload' | 'budgetSeconds'> {
  const command = flags.text('command');
  const pattern = flags.text('pattern');
  if ((command === null) !== (pattern === null)) throw usageError('--command and --pattern belong together: the pattern finds the figure in what the command prints.');
  if (command !== null && flags.text('workload') !== null) throw usageError('Give --command or --workload, not both.');
  const timeoutSeconds = numberFlag(flags, 'run-seconds', { min: 1, max: 3600, unit: 's' }) ?? 300;
  // As in this terminal: its folder is the program's.
  const workload = command !== null && pattern !== null ? { command: [...shell, command], pattern, higherIsBetter: !flags.on('lower-is-better'), unit: '', folder: process.cwd(), timeoutSeconds } : flags.text('workload');
  return { workload, budgetSeconds: numberFlag(flags, 'budget', { min: 5, max: 7200, unit: 's' }) ?? 180 };
}

async function measure(client: EngineClient, words: readonly string[], told: ReturnType<typeof readMeasureFlags>, context: CommandContext): Promise<number> {
  const { flags, out } = context;
  const started = await client.optimize.measure({
    toggles: await parseChosen(client, words), environmentId: await readEnvironmentId(client, context), place: flags.text('place'), modelId: flags.text('model'), ...told,
  });
  const job = await finishJob(client, started, context);
  const id = job.result?.['effectId'];
  if (typeof id !== 'string') return endWithoutResult(job, context);
  const effect = await client.optimize.effect({ id });
  await print(context, { effect }, renderEffect(effect));
  if (job.result?.['stored'] === false) out.note('It could not be stored, and is kept in memory until the engine ends.');
  return effect.verdict === 'could_not_run' || (flags.on('require') && effect.verdict !== 'helps') ? exitCodes.findings : exitCodes.fine;
}

/** Shows a plan, asks where somebody can answer. False: not agreed to. @throws ProblemError `usage.unknown` */
async function agree(plan: ApplyPlan, question: string, context: CommandContext): Promise<boolean> {
  const { out, flags, signal } = context;
  if (!context.json) for (const line of renderApplyPlan(plan)) await out.line(line);
  if (flags.on('yes')) return true;
  if (!out.stderrIsTerminal || !process.stdin.isTTY || context.json) throw usageError('Without a terminal, say --yes to apply, or --dry-run to see what would be written.');
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await reader.question(`${question} [y/N] `, { signal }).finally(() => { reader.close(); });
  if (/^y(es)?$/i.test(answer.trim())) return true;
  out.note('Nothing was changed.');
  return false;
}

async function applyToggles(client: EngineClient, words: readonly string[], context: CommandContext): Promise<number> {
  const { out, flags } = context;
  const environmentId = await readEnvironmentId(client, context) ?? (await client.optimize.overview({})).environment?.id ?? null;
  if (environmentId === null) throw usageError('Name the environment: --env PATH.');
  const means = (['snippet', 'hook', 'conda', 'jupyter'] as const).find((one) => one === flags.text('by')) ?? 'snippet';
  const plan = await client.optimize.planApply({ environmentId, toggles: await parseChosen(client, words), means });
  if (means === 'snippet' || flags.on('dry-run')) {
    await print(context, { plan }, renderApplyPlan(plan));
    return exitCodes.fine;
  }
  if (!await agree(plan, 'Apply this?', context)) return exitCodes.fine;
  const application = await client.optimize.apply({ planId: plan.planId, agree: true });
  await print(context, { plan, application }, [`Applied. Undo it with: warpdeck optimize revert ${application.id}`, `${application.killSwitch} switches it off for one program.`]);
  out.endProgress();
  return exitCodes.fine;
}

async function revert(client: EngineClient, id: string, context: CommandContext): Promise<number> {
  const plan = await client.optimize.planRevert({ id });
  if (context.flags.on('dry-run')) {
    await print(context, { plan }, renderApplyPlan(plan));
    return exitCodes.fine;
  }
  if (!await agree(plan, 'Undo this?', context)) return exitCodes.fine;
  const application = await client.optimize.revert({ planId: plan.planId });
  await print(context, { plan, application }, [application.state === 'reverted' ? 'Undone.' : 'What was edited by somebody else is left alone.']);
  return application.state === 'reverted' ? exitCodes.fine : exitCodes.findings;
}

export async function runOptimize(context: CommandContext): Promise<number> {
  const { out, signal, flags } = context;
  const { verb, rest } = parseOptimizeWords(context.positionals);
  if (verb === 'run' && context.json) throw usageError('"optimize run" prints what the program prints: --json is not for it.');
  if (verb === 'run') return (await import('../launch-optimized.ts')).launchOptimized(rest, context);
  const told = verb === 'measure' ? readMeasureFlags(flags) : null;
  const seconds = numberFlag(flags, 'seconds', { min: 1, max: 60, unit: 's' }) ?? 10;
  const engine = await context.attach({ anyGpus: context.gpus === null });
  const { client } = engine;
  try {
    if (told !== null) return await measure(client, rest, told, context);
    if (verb === 'apply') return await applyToggles(client, rest, context);
    if (verb === 'revert') return await revert(client, rest[0] ?? '', context);
    const subject = { environmentId: await readEnvironmentId(client, context), place: flags.text('place') };
    if (verb === 'applied') {
      const applications = await client.optimize.applications({}, { signal });
      await print(context, { applications }, renderApplications(applications, out.columns));
    } else if (verb === 'profile') {
      const profiles = await client.optimize.profiles({}, { signal });
      await print(context, { profiles }, renderProfiles(profiles, out.columns));
    } else if (verb === 'health') {
      const components = await client.optimize.health(subject, { signal });
      await print(context, { components }, renderHealth(components, out.columns));
      return components.some((one) => one.state === 'fails') ? exitCodes.findings : exitCodes.fine;
    } else if (verb === 'slow') {
      out.progress(`Watching for ${String(seconds)} s …`);
      const report = await client.optimize.explainSlow({ place: flags.text('place'), seconds }, { signal });
      out.endProgress();
      await print(context, { report }, renderSlow(report, out.columns));
    } else {
      const overview = await client.optimize.overview(subject, { signal });
      if (verb === 'show') {
        const states = overview.states.filter((state) => rest.includes(state.toggle.id));
        if (states.length !== rest.length) await parseChosen(client, rest);
        await print(context, { states }, states.flatMap((state) => [...renderToggle(state), '']));
      } else {
        await print(context, { ...overview }, renderOverview(overview, out.columns));
        if (!context.json && !context.quiet) for (const line of renderProblems(overview.problems)) out.error(line);
      }
    }
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}

async function print(context: CommandContext, value: object, lines: readonly string[]): Promise<void> {
  if (context.json) await context.out.json({ schemaVersion: JSON_SCHEMA_VERSION, ...value });
  else for (const line of lines) await context.out.line(line);
}
