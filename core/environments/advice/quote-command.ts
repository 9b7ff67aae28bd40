import type { DriverFacts } from '../../../contract/verdict.ts';

export type Platform = DriverFacts['platform'];

/** What neither sh, bash, zsh nor PowerShell gives a meaning to. `=` may not begin a word in zsh, `~` nowhere in sh, `,` and `@` not in PowerShell. */
const plainSh = /^[A-Za-z0-9_%+:./,@-][A-Za-z0-9_%+:./,@=-]*$/;
const plainPowerShell = /^[A-Za-z0-9_+:./\\=-]+$/;
/** PowerShell takes the typographic ones for quotes as well. */
const singleQuotes = /['\u2018\u2019\u201a\u201b]/g;

/**
 * One argument as the user's shell takes it: sh on Linux, PowerShell on Windows. Anything but a NUL survives, line
 * ends too. The caller sees to it that an argument with a leading dash is meant as an option (see pathArgument).
 */
export function quoteArgument(text: string, platform: Platform): string {
  if (platform === 'windows_x86_64') return plainPowerShell.test(text) ? text : `'${text.replace(singleQuotes, '$&$&')}'`;
  return plainSh.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A whole command. PowerShell runs a quoted program only after `&`. */
export function commandLine(args: readonly string[], platform: Platform): string {
  const quoted = args.map((a) => quoteArgument(a, platform));
  const call = platform === 'windows_x86_64' && (quoted[0] ?? '').startsWith("'") ? '& ' : '';
  return call + quoted.join(' ');
}

/** A path that no program takes for an option. */
export function pathArgument(path: string, platform: Platform): string {
  if (!path.startsWith('-')) return path;
  return platform === 'windows_x86_64' ? `.\\${path}` : `./${path}`;
}

/** Lines as comments: for an edit that is to be made by hand. Line ends of the content cannot leave the comment. */
export const commentLines = (lines: readonly string[]): string => lines.flatMap((l) => l.split(/\r\n|\r|\n/)).map((l) => (l === '' ? '#' : `# ${l}`)).join('\n');

/** `bin/python` below an environment's root, with the system's separator. */
export function interpreterIn(prefix: string, platform: Platform): string {
  return platform === 'windows_x86_64' ? `${prefix.replace(/[\\/]+$/, '')}\\Scripts\\python.exe` : `${prefix.replace(/\/+$/, '')}/bin/python`;
}
