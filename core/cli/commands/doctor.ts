import { problemError } from '../../../contract/problem-catalogue.ts';
import { isFinding, type EnvironmentReport, type Proof } from '../../../contract/verdict.ts';
import type { EngineClient } from '../../engine/connect.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { cleanText } from '../display-width.ts';
import { followJob, isOver } from '../follow-job.ts';
import { usageError } from '../parse-command-line.ts';
import { readSettledInventory } from '../read-devices.ts';
import { decideFindingsExit, describeDriver, renderProblems, renderReport, renderVerdicts, verdictText } from '../verdict-table.ts';

/** Runs kernels in every environment that has torch, one after the other, and answers the proofs. */
async function prove(client: EngineClient, reports: readonly EnvironmentReport[], context: CommandContext): Promise<readonly Proof[]> {
  const proofs: Proof[] = [];
  for (const report of reports) {
    if (report.xray?.torch == null) continue;
    const started = await client.environments.prove({ id: report.environment.id }, { signal: context.signal });
    const job = await followJob(client, started, context.signal, (now) => { context.out.progress(`Proving ${cleanText(report.environment.name)}: ${now.doing ?? ''}`); });
    if (!isOver(job)) {
      await client.jobs.cancel({ id: job.id });
      break;
    }
    proofs.push(...(await client.environments.proofs({ id: report.environment.id }, { signal: context.signal })).filter((p) => p.atMs >= started.startedAtMs));
  }
  context.out.endProgress();
  return proofs;
}

function renderProof(proof: Proof): readonly string[] {
  return [
    `  Proof on ${cleanText(proof.gpuName)}: ${proof.works ? 'kernels ran and were right' : 'failed'}; predicted ${verdictText(proof.predicted)}${proof.agrees ? '' : ', which disagrees'}.`,
    ...proof.steps.map((s) => `      ${s.name.padEnd(20)} ${s.state.padEnd(11)} ${s.error === null ? '' : `error ${s.error.toExponential(1)} of ${s.tolerance?.toExponential(1) ?? '—'}`}${s.text === null ? '' : `  ${cleanText(s.text)}`}`.trimEnd()),
  ];
}

/** Which environment can use which GPU, why not, and what to do. Exit 1 when anything is not green. */
export async function runDoctor(context: CommandContext): Promise<number> {
  const { out, signal, flags } = context;
  const gpus = flags.all('for');
  const driver = flags.text('driver');
  const image = flags.text('image');
  const env = flags.text('env');
  const deep = flags.on('deep');
  if (deep && gpus.length > 0) throw usageError('--deep runs kernels on this machine’s GPUs; --for names others. Choose one.');
  const engine = await context.attach();
  const { client } = engine;
  try {
    // The devices decide the columns: the driver is waited for.
    if (gpus.length === 0) await readSettledInventory(client, signal);
    if (image !== null) {
      const judged = await client.environments.judgeImage({ image, for: [...gpus], driver }, { signal });
      if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, ...judged });
      else {
        for (const cell of judged.cells) await out.line(`${cleanText(cell.gpuKey)}: ${verdictText(cell.verdict)}. ${cleanText(cell.text)}`);
        for (const note of judged.notes) await out.line(cleanText(note));
      }
      return judged.cells.some((c) => isFinding(c.verdict)) ? 1 : 0;
    }
    out.progress('Looking for Python environments …');
    const judged = await client.environments.judge({ for: [...gpus], driver, env }, { signal });
    out.endProgress();
    if (judged.targets.length === 0 && env === null && judged.reports.every((r) => r.cells.length === 0)) throw problemError('gpu.none_to_judge');
    const proofs = deep ? await prove(client, judged.reports, context) : [];
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, targets: judged.targets, driver: judged.driver, environments: judged.reports, proofs, problems: judged.problems });
    else {
      const home = context.env['HOME'];
      for (const line of renderVerdicts(judged.reports, judged.targets, { room: out.columns, home })) await out.line(line);
      // What is only worth a look stands in the table's notes.
      const told = judged.reports.filter((r) => env !== null || r.cells.some((c) => isFinding(c.verdict)) || r.findings.some((f) => f.severity === 'problem'));
      for (const report of told) {
        await out.line('');
        for (const line of renderReport(report, judged.targets, home)) await out.line(line);
        for (const proof of proofs.filter((p) => p.environmentId === report.environment.id)) for (const line of renderProof(proof)) await out.line(line);
      }
      for (const report of judged.reports.filter((r) => !told.includes(r))) {
        const own = proofs.filter((p) => p.environmentId === report.environment.id);
        if (own.length > 0) await out.line(`\n${cleanText(report.environment.name)}`);
        for (const proof of own) for (const line of renderProof(proof)) await out.line(line);
      }
      await out.line('');
      await out.line(describeDriver(judged.driver));
      for (const line of renderProblems(judged.problems)) out.error(line);
    }
    return proofs.some((p) => !p.works || !p.agrees) ? 1 : decideFindingsExit(judged.reports);
  } finally {
    engine.close();
  }
}
