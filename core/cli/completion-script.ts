import type { Command, FlagSpec } from './command.ts';
import { globalFlags } from './parse-command-line.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

const gpuSources = ['nvml', 'smi', 'simulate:4', 'none', 'replay:'];

const switches = (flags: readonly FlagSpec[]): string => flags.map((f) => `--${f.name}`).join(' ');
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const valueFlags = (commands: readonly Command[]): readonly string[] => [...new Set([...globalFlags, ...commands.flatMap((c) => c.flags)].filter((f) => f.value !== undefined).flatMap((f) => [`--${f.name}`, ...(f.short ? [`-${f.short}`] : [])]))];

function bashScript(commands: readonly Command[]): string {
  return `# bash completion for warpdeck
_warpdeck() {
  local cur prev verb="" i word
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
      ${valueFlags(commands).join('|')}) i=$((i + 1)) ;;
      -*) ;;
      *) verb="$word"; break ;;
    esac
  done
  case "$prev" in
    --gpus) COMPREPLY=($(compgen -W "${gpuSources.join(' ')}" -- "$cur")); return ;;
    --data-dir) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    --format) COMPREPLY=($(compgen -W "csv jsonl" -- "$cur")); return ;;
    -o|--output|--cert|--key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  case "$verb" in
    "") COMPREPLY=($(compgen -W "${commands.map((c) => c.name).join(' ')} ${switches(globalFlags)}" -- "$cur")) ;;
${commands.map((c) => `    ${c.name}) COMPREPLY=($(compgen -W "${[...(c.words ?? []), switches([...c.flags, ...globalFlags])].join(' ')}" -- "$cur"))${c.name === 'record' ? ' ; COMPREPLY+=($(compgen -f -- "$cur"))' : ''} ;;`).join('\n')}
  esac
}
complete -F _warpdeck warpdeck
`;
}

function zshScript(commands: readonly Command[]): string {
  const flag = (f: FlagSpec): string => {
    const action = f.name === 'gpus' ? `:source:(${gpuSources.join(' ')})` : f.name === 'data-dir' ? ':folder:_files -/' : f.choices ? `:${f.name}:(${f.choices.join(' ')})` : f.value === 'FILE' ? ':file:_files' : f.value ? `:${f.value}: ` : '';
    return quote(`--${f.name}[${f.summary.replace(/[[\]:]/g, '\\$&')}]${action}`);
  };
  return `#compdef warpdeck
# zsh completion for warpdeck
_warpdeck() {
  local -a verbs
  verbs=(
${commands.map((c) => `    ${quote(`${c.name}:${c.summary.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  local -a everywhere
  everywhere=(${globalFlags.map(flag).join(' ')})
  local context state state_descr line
  typeset -A opt_args
  _arguments -C $everywhere '1:verb:->verb' '*::argument:->argument'
  case $state in
    verb) _describe verb verbs ;;
    argument)
      case $line[1] in
${commands.map((c) => `        ${c.name}) _arguments $everywhere ${c.flags.map(flag).join(' ')}${c.words ? ` '1:word:(${c.words.join(' ')})'` : c.name === 'record' ? " '1:file:_files'" : ''} ;;`).join('\n')}
      esac ;;
  esac
}
if [ "$funcstack[1]" = _warpdeck ]; then _warpdeck "$@"; else compdef _warpdeck warpdeck; fi
`;
}

function fishScript(commands: readonly Command[]): string {
  const line = (f: FlagSpec, condition: string | null): string =>
    [`complete -c warpdeck${condition === null ? '' : ` -n ${quote(condition)}`} -l ${f.name}`, ...(f.short ? [`-s ${f.short}`] : []), ...(f.value ? ['-r'] : []), ...(f.name === 'gpus' ? [`-f -a ${quote(gpuSources.join(' '))}`] : f.choices ? [`-f -a ${quote(f.choices.join(' '))}`] : []), `-d ${quote(f.summary)}`].join(' ');
  return [
    '# fish completion for warpdeck',
    'complete -c warpdeck -f',
    ...globalFlags.map((f) => line(f, null)),
    ...commands.map((c) => `complete -c warpdeck -n __fish_use_subcommand -a ${c.name} -d ${quote(c.summary)}`),
    ...commands.flatMap((c) => [
      ...c.flags.map((f) => line(f, `__fish_seen_subcommand_from ${c.name}`)),
      ...(c.words ? [`complete -c warpdeck -n ${quote(`__fish_seen_subcommand_from ${c.name}`)} -a ${quote(c.words.join(' '))}`] : []),
    ]),
    '',
  ].join('\n');
}

/** A script that completes verbs, their words and flags, made from the table of commands. */
export function makeCompletionScript(shell: Shell, commands: readonly Command[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](commands);
}
