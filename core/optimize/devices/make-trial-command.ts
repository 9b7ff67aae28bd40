import { smiArguments, type SmiOption } from './device-commands.ts';
import type { PrivilegeWay } from './decide-privilege.ts';

/** What the process of a trial says of itself, a line each, on standard output. Everything else is nvidia-smi's. */
export const trialWords = { applied: 'warpdeck:applied', refused: 'warpdeck:refused', kept: 'warpdeck:kept', reverted: 'warpdeck:reverted', stuck: 'warpdeck:stuck' } as const;
/** The line that keeps a change; any other, the end of the pipe (the engine has gone) or the time puts it back. */
export const KEEP_WORD = 'keep';

/**
 * Sets, waits for one line, puts back: in one process, so that one consent covers both, and that it puts back by itself
 * when the engine is killed. Signals are ignored while it owes the way back; `timeout` must kill, its child ignores them too.
 */
const POSIX_SCRIPT = `trap "" HUP INT TERM PIPE
seconds=$1 uuid=$2 option=$3 value=$4 back=$5 old=$6; shift 6
"$@" -i "$uuid" "$option" \${value:+"$value"} 2>&1 || { echo ${trialWords.refused}; exit 3; }
echo ${trialWords.applied}
word=$(timeout -s KILL "$seconds" head -n 1)
[ "$word" = ${KEEP_WORD} ] && { echo ${trialWords.kept}; exit 0; }
said=$("$@" -i "$uuid" "$back" \${old:+"$old"} 2>&1) && { echo "$said"; echo ${trialWords.reverted}; exit 0; }
echo "$said"; echo ${trialWords.stuck}; exit 4`;

export interface TrialCommandInput {
  readonly way: PrivilegeWay;
  /** nvidia-smi with what comes before its own arguments. */
  readonly program: readonly string[];
  readonly uuid: string;
  readonly apply: SmiOption;
  readonly back: SmiOption;
  readonly seconds: number;
}

/** Program and arguments for a change on trial. Pure. */
export function makeTrialCommand({ way, program, uuid, apply, back, seconds }: TrialCommandInput): readonly string[] {
  if (way === 'uac') return windowsCommand(windowsTrial(program[0] ?? 'nvidia-smi.exe', uuid, apply, back, seconds));
  const script = ['/bin/sh', '-c', POSIX_SCRIPT, 'warpdeck-trial', String(seconds), uuid, apply.option, apply.value, back.option, back.value, ...program];
  // A session of its own: ending the engine's programs must not end what owes a way back.
  if (way === 'direct') return ['setsid', '-w', ...script];
  return way === 'sudo' ? ['sudo', '-n', ...script] : ['pkexec', ...script];
}

/** Program and arguments for a change without a trial (putting back what was confirmed). Pure. */
export function makeSetCommand({ way, program, uuid, apply }: Pick<TrialCommandInput, 'way' | 'program' | 'uuid' | 'apply'>): readonly string[] {
  const command = [...program, ...smiArguments(uuid, apply)];
  if (way === 'uac') return windowsCommand(windowsOnce(program[0] ?? 'nvidia-smi.exe', uuid, apply));
  return way === 'sudo' ? ['sudo', '-n', ...command] : way === 'pkexec' ? ['pkexec', ...command] : command;
}

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const encode = (script: string): string => Buffer.from(script, 'utf16le').toString('base64');
const windowsCommand = (script: string): readonly string[] => ['powershell.exe', '-NoProfile', '-NonInteractive', '-EncodedCommand', encode(script)];
const windowsCall = (program: string, uuid: string, option: SmiOption): string => `& ${quote(program)} ${smiArguments(uuid, option).map(quote).join(' ')} 2>&1`;

/** An elevated process has no pipes to its caller: files in a folder of this trial stand in for them. */
function windowsOuter(inner: string): string {
  return `$d = Join-Path $env:TEMP ('warpdeck-trial-' + [guid]::NewGuid()); New-Item -ItemType Directory $d | Out-Null
$inner = "\`$d = '$($d.Replace("'", "''"))'; \`$owner = $PID;" + [Text.Encoding]::Unicode.GetString([Convert]::FromBase64String('${encode(inner)}'))
$code = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($inner))
try { $p = Start-Process powershell.exe -Verb RunAs -WindowStyle Hidden -PassThru -ArgumentList '-NoProfile','-NonInteractive','-EncodedCommand',$code } catch { Write-Output $_.Exception.Message; Write-Output '${trialWords.refused}'; exit 3 }
$in = New-Object IO.StreamReader ([Console]::OpenStandardInput())
$line = $in.ReadLineAsync(); $shown = 0
do {
  $over = $p.HasExited
  if ($line -and $line.IsCompleted) { Set-Content (Join-Path $d 'word') ([string]$line.Result); $line = $null }
  $said = @(Get-Content (Join-Path $d 'said') -ErrorAction SilentlyContinue)
  for (; $shown -lt $said.Count; $shown++) { Write-Output $said[$shown] }
  if (-not $over) { Start-Sleep -Milliseconds 100 }
} until ($over)
Remove-Item -Recurse -Force $d`;
}

const windowsTrial = (program: string, uuid: string, apply: SmiOption, back: SmiOption, seconds: number): string => windowsOuter(`
$said = Join-Path $d 'said'; $word = Join-Path $d 'word'
${windowsCall(program, uuid, apply)} | Add-Content $said
if ($LASTEXITCODE -ne 0) { Add-Content $said '${trialWords.refused}'; exit 3 }
Add-Content $said '${trialWords.applied}'
$until = (Get-Date).AddSeconds(${String(seconds)})
while ((Get-Date) -lt $until -and -not (Test-Path $word) -and (Get-Process -Id $owner -ErrorAction SilentlyContinue)) { Start-Sleep -Milliseconds 100 }
if ((Get-Content $word -ErrorAction SilentlyContinue) -eq '${KEEP_WORD}') { Add-Content $said '${trialWords.kept}'; exit 0 }
$answer = ${windowsCall(program, uuid, back)}
$worked = $LASTEXITCODE -eq 0; $answer | Add-Content $said
if ($worked) { Add-Content $said '${trialWords.reverted}' } else { Add-Content $said '${trialWords.stuck}'; exit 4 }`);

const windowsOnce = (program: string, uuid: string, apply: SmiOption): string => windowsOuter(`
$said = Join-Path $d 'said'
${windowsCall(program, uuid, apply)} | Add-Content $said
if ($LASTEXITCODE -ne 0) { Add-Content $said '${trialWords.refused}'; exit 3 }`);
