import { createInterface } from 'node:readline/promises';
import type { Job } from '../../../contract/jobs.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError } from '../../../contract/problem.ts';
import type { UpgradePlan } from '../../../contract/upgrades.ts';
import type { EngineClient } from '../../engine/connect.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { cleanText } from '../display-width.ts';
import { findEnvironment } from '../find-environment.ts';
import { followJob, isOver } from '../follow-job.ts';
import { formatDuration, formatPercent } from '../format-values.ts';
import { usageError } from '../parse-command-line.ts';
import { renderPlan, renderUpgrades } from '../plan-text.ts';
import { exitCodes } from '../problem-text.ts';

/** What is meant must be said: by --yes, or at the terminal. */
async function agrees(context: CommandContext, plan: UpgradePlan, question: string): Promise<boolean> {
  if (context.flags.on('yes')) return true;
  if (!context.out.stderrIsTerminal || !process.stdin.isTTY || context.json) throw usageError('Without a terminal, say --yes to apply the plan, or --dry-run to only see it.');
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await reader.question(`${question} [y/N] `, { signal: context.signal });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    reader.close();
  }
}

/** Follows the job; Ctrl+C cancels it and waits until the old state is back. */
async function finish(client: EngineClient, started: Job, context: CommandContext): Promise<Job> {
  const { out } = context;
  const log = new AbortController();
  const logging = (async () => {
    for await (const line of await client.jobs.attach({ id: started.id }, { signal: log.signal })) out.note(`  ${cleanText(line.text)}`);
  })().catch(() => undefined);
  const show = (job: Job): void => { out.progress(`${job.doing ?? job.title}: ${formatPercent(job.progress === null ? null : job.progress * 100)}${job.secondsLeft === null ? '' : `, ${formatDuration(job.secondsLeft)} left`}`); };
  let job = await followJob(client, started, context.signal, show);
  if (!isOver(job)) {
    out.note('Cancelling; the old state is put back.');
    await client.jobs.cancel({ id: job.id });
    job = await followJob(client, job, AbortSignal.timeout(120_000), show);
  }
  log.abort();
  await logging;
  out.endProgress();
  return job;
}

/** As typed, for the shell: quotes and pipes are its business. */
function smokeCommand(context: CommandContext): string[] | null {
  const text = context.flags.text('smoke');
  if (text === null || text.trim() === '') return null;
  return process.platform === 'win32' ? ['cmd', '/d', '/s', '/c', text] : ['sh', '-c', text];
}

async function applyPlan(client: EngineClient, plan: UpgradePlan, context: CommandContext, question: string): Promise<number> {
  const { out, flags } = context;
  if (flags.on('dry-run')) {
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, plan });
    else for (const line of renderPlan(plan, out.columns)) await out.line(line);
    return exitCodes.fine;
  }
  if (!context.json) for (const line of renderPlan(plan, out.columns)) await out.line(line);
  const against = plan.problems.find((p) => p.severity === 'problem');
  if (against !== undefined) throw new ProblemError(against);
  if (!(await agrees(context, plan, question))) {
    out.note('Nothing was changed.');
    return exitCodes.fine;
  }
  const started = plan.kind === 'rollback' ? await client.upgrades.rollback({ planId: plan.planId, agree: true }) : await client.upgrades.apply({ planId: plan.planId, agree: true, smokeCommand: smokeCommand(context) });
  const job = await finish(client, started, context);
  if (job.problem !== null) throw new ProblemError(job.problem);
  const entry = (await client.upgrades.list({ environmentId: plan.environmentId })).find((u) => u.jobId === job.id) ?? null;
  if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, job, upgrade: entry });
  else {
    if (entry !== null) for (const check of entry.checks) await out.line(`${check.state === 'passed' ? '+' : check.state === 'failed' ? 'x' : ' '} ${cleanText(check.title)}${check.text === null ? '' : `: ${cleanText(check.text)}`}`);
    await out.line(job.state === 'done' ? `Done.${entry?.canUndo ? ` Undo with: warpdeck rollback ${plan.environmentId} ${entry.id}` : ''}` : `The job ended as ${job.state}; the old state stands.`);
  }
  return job.state === 'done' ? exitCodes.fine : 1;
}

export async function runUpgrade(context: CommandContext): Promise<number> {
  const { flags, signal, out } = context;
  const judge = { for: [...flags.all('for')], driver: flags.text('driver') };
  const engine = await context.attach();
  try {
    const report = await findEnvironment(engine.client, context.positionals[0] ?? '', judge, signal);
    out.progress('Resolving …');
    const plan = await engine.client.upgrades.plan({ id: report.environment.id, target: flags.text('to'), route: flags.text('route'), ...judge }, { signal });
    out.endProgress();
    return await applyPlan(engine.client, plan, context, 'Apply this plan?');
  } finally {
    engine.close();
  }
}

export async function runRollback(context: CommandContext): Promise<number> {
  const engine = await context.attach({ anyGpus: context.gpus === null });
  const [word = '', id = null] = context.positionals;
  try {
    // An environment that is gone or broken still has its journal: the id alone is enough.
    const known = await engine.client.upgrades.list({});
    const entry = known.find((u) => u.environmentId === word || u.environmentName === word || u.prefix === word);
    const environmentId = entry?.environmentId ?? (await findEnvironment(engine.client, word, { for: [], driver: null }, context.signal)).environment.id;
    if (id !== null && !known.some((u) => u.id === id)) throw problemError('upgrade.nothing_to_undo', { detail: `There is no upgrade ${id}.` });
    const plan = await engine.client.upgrades.planRollback({ id, environmentId }, { signal: context.signal });
    return await applyPlan(engine.client, plan, context, 'Put this state back?');
  } finally {
    engine.close();
  }
}

export async function runUpgrades(context: CommandContext): Promise<number> {
  const engine = await context.attach({ anyGpus: context.gpus === null });
  try {
    const upgrades = await engine.client.upgrades.list({}, { signal: context.signal });
    if (context.json) await context.out.json({ schemaVersion: JSON_SCHEMA_VERSION, upgrades });
    else for (const line of renderUpgrades(upgrades, context.out.columns)) await context.out.line(line);
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}
