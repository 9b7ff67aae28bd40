import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { findOperation, listOperations, toSchema, type Operation } from '../operation-list.ts';
import { exitCodes } from '../problem-text.ts';
import { renderTable } from '../text-table.ts';

const describe = (o: Operation): unknown => ({ name: o.name, summary: o.summary, effect: o.effect, stream: o.stream, input: toSchema(o.input, 'input'), output: toSchema(o.output, 'output') });

export async function runApi(context: CommandContext): Promise<number> {
  const { out } = context;
  const wanted = context.positionals[0];
  const operations = wanted === undefined ? listOperations() : [findOperation(wanted)];
  if (context.json) {
    await out.json({ schemaVersion: JSON_SCHEMA_VERSION, operations: operations.map(describe) });
    return exitCodes.fine;
  }
  const rows = operations.map((o) => [o.name, o.effect, o.stream === null ? '' : 'stream', o.summary]);
  for (const line of renderTable([{ title: 'OPERATION' }, { title: 'EFFECT' }, { title: '' }, { title: 'DOES', shrinkTo: 20 }], rows, out.columns)) await out.line(line);
  const [only] = operations;
  if (wanted !== undefined && only) {
    await out.line(`\nInput\n${JSON.stringify(toSchema(only.input, 'input'), null, 2)}`);
    await out.line(`\n${only.stream === null ? 'Output' : 'Each item'}\n${JSON.stringify(toSchema(only.output, 'output'), null, 2)}`);
  }
  return exitCodes.fine;
}
