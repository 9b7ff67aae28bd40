import type { CommandContext } from '../command.ts';
import { makeCompletionScript, type Shell } from '../completion-script.ts';
import { usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';

const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];

export async function runCompletion(context: CommandContext): Promise<number> {
  const wanted = context.positionals[0] ?? '';
  const shell = shells.find((s) => s === wanted);
  if (!shell) throw usageError(`Completion is written for ${shells.join(', ')}, not "${wanted}".`);
  await context.out.write(makeCompletionScript(shell, context.commands));
  return exitCodes.fine;
}
