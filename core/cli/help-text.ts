import type { Command, FlagSpec } from './command.ts';
import { globalFlags } from './parse-command-line.ts';

function pairs(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}

const flagRow = (flag: FlagSpec): readonly [string, string] => [`${flag.short ? `-${flag.short}, ` : flag.alias ? `${flag.alias}, ` : '    '}--${flag.name}${flag.value ? ` ${flag.value}` : ''}`, flag.summary];

const exitLine = 'Exit codes: 0 fine, 1 findings, 2 usage, 3 a problem, 4 an internal error.';

export function formatHelp(commands: readonly Command[], version: string): string {
  return [
    `Warpdeck ${version}: a control panel for NVIDIA GPUs.`,
    '',
    'Usage: warpdeck [VERB] [FLAGS]',
    '',
    'Verbs',
    ...pairs(commands.map((c) => [c.name, c.summary])),
    '',
    'Flags everywhere',
    ...pairs(globalFlags.map(flagRow)),
    '',
    'Examples',
    ...pairs(commands.flatMap((c) => (c.examples[0] ? [[c.examples[0].command, c.examples[0].does] as const] : [])).slice(0, 6)),
    '',
    '"warpdeck VERB --help" says more about one.',
    exitLine,
    'Variables: WARPDECK_DATA_DIR, WARPDECK_GPUS, WARPDECK_PORT, WARPDECK_TOKEN, WARPDECK_MODELS_DIR, NO_COLOR.',
    '',
  ].join('\n');
}

export function formatCommandHelp(command: Command): string {
  return [
    `warpdeck ${command.name}: ${command.summary}`,
    '',
    `Usage: warpdeck ${command.name}${command.usage === '' ? '' : ` ${command.usage}`}`,
    ...(command.notes ? ['', command.notes] : []),
    ...(command.flags.length > 0 ? ['', 'Flags', ...pairs(command.flags.map(flagRow))] : []),
    '',
    'Flags everywhere',
    ...pairs(globalFlags.map(flagRow)),
    '',
    'Examples',
    ...pairs(command.examples.map((e) => [e.command, e.does])),
    '',
    exitLine,
    '',
  ].join('\n');
}
