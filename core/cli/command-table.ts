import type { Command } from './command.ts';
import { engineFlags, samplingFlags } from './engine-flags.ts';

const simulate = 'warpdeck gpus --gpus simulate:4';
const serveFlags = [
  { name: 'host', value: 'ADDRESS', summary: 'address to listen on (127.0.0.1); off loopback needs --cert and --key, or --insecure' },
  { name: 'port', value: 'N', summary: 'port (7757, or the next free one; a port given here must be free)' },
  { name: 'open', summary: 'open the page where a browser can be' },
  { name: 'cert', value: 'FILE', summary: 'certificate, PEM' },
  { name: 'key', value: 'FILE', summary: "the certificate's key, PEM" },
  { name: 'insecure', summary: 'off loopback without TLS: others on the network can read along' },
] as const;

/** Every verb of this version, in the order of the help. */
export const commands: readonly Command[] = [
  {
    name: 'app', summary: 'the desktop window; without a display, the same interface in a browser', usage: '', positionals: { min: 0, max: 0 }, flags: [],
    notes: 'Run without a verb, warpdeck does this. WARPDECK_PORT and WARPDECK_TOKEN count where it serves.',
    examples: [{ command: 'warpdeck', does: 'opens Warpdeck' }, { command: 'warpdeck app --gpus simulate:4', does: 'with four simulated GPUs' }],
    load: async () => (await import('./commands/serve.ts')).runApp,
  },
  {
    name: 'serve', summary: 'the engine with its web face', usage: '[--host ADDRESS] [--port N] [--open] [--detach]', positionals: { min: 0, max: 0 },
    flags: [...serveFlags, { name: 'detach', summary: 'leave it running and return' }],
    notes: 'In the foreground, Ctrl+C closes the web face, and ends the engine unless others use it. If an engine runs\nalready for this data folder, its web face is opened. WARPDECK_PORT and WARPDECK_TOKEN count where no flag says otherwise.',
    examples: [{ command: 'warpdeck serve --open', does: 'serves and opens the page' }, { command: 'warpdeck serve --detach --json', does: 'leaves it running, prints address, port and token' }],
    load: async () => (await import('./commands/serve.ts')).runServe,
  },
  {
    name: 'stop', summary: 'ends the engine', usage: '[--cancel-jobs]', positionals: { min: 0, max: 0 },
    flags: [{ name: 'cancel-jobs', summary: 'also when jobs are running: they are cancelled' }],
    examples: [{ command: 'warpdeck stop', does: 'ends the engine of the data folder' }],
    load: async () => (await import('./commands/stop.ts')).runStop,
  },
  {
    name: 'gpus', summary: 'one table of devices; live with --watch', usage: '[--watch] [--interval MS]', positionals: { min: 0, max: 0 },
    flags: [{ name: 'watch', short: 'w', summary: 'live in the terminal; without a terminal, a line per device and reading' }, { name: 'interval', value: 'MS', summary: 'time between readings with --watch, 100 to 60000 ms (1000)' }],
    examples: [{ command: 'warpdeck gpus', does: 'the devices now' }, { command: 'warpdeck gpus --watch --interval 500', does: 'live, twice a second' }, { command: simulate, does: 'four simulated devices' }, { command: 'warpdeck gpus --json', does: 'for programs' }],
    load: async () => (await import('./commands/gpus.ts')).runGpus,
  },
  {
    name: 'ps', summary: 'processes on the GPUs; with --models, models in memory', usage: '[--models]', positionals: { min: 0, max: 0 }, flags: [{ name: 'models', summary: 'models in memory: where they really are, and how fast' }],
    examples: [{ command: 'warpdeck ps', does: 'who uses the GPUs' }, { command: 'warpdeck ps --models', does: 'which models are loaded where' }, { command: 'warpdeck ps --json', does: 'for programs' }],
    load: async () => (await import('./commands/ps.ts')).runPs,
  },
  {
    name: 'envs', summary: 'every Python environment, and what it has of torch', usage: '', positionals: { min: 0, max: 0 }, flags: [],
    notes: 'Read from files: no interpreter is run. Folders to search besides the usual places: warpdeck settings set environments.folders.',
    examples: [{ command: 'warpdeck envs', does: 'the environments of this machine' }, { command: 'warpdeck envs --json', does: 'for programs' }],
    load: async () => (await import('./commands/envs.ts')).runEnvs,
  },
  {
    name: 'doctor', summary: 'which environment can use which GPU, why not, and what to do', usage: '[--env PATH] [--for GPU]… [--driver VERSION] [--image TAG] [--deep]', positionals: { min: 0, max: 0 },
    flags: [
      { name: 'env', value: 'PATH', summary: 'only this environment' },
      { name: 'for', value: 'GPU', repeats: true, summary: 'a GPU that is not in this machine: a name, 12.0 or sm_120; may be repeated' },
      { name: 'driver', value: 'VERSION', summary: 'judge with this driver' },
      { name: 'image', value: 'TAG', summary: 'a container image instead of an environment' },
      { name: 'deep', summary: 'run kernels on each GPU: proof. Runs the code of the environments' },
    ],
    notes: 'Exit code 1 when anything is not green: usable in CI on a machine without a GPU, with --for.',
    examples: [{ command: 'warpdeck doctor', does: "this machine's environments and GPUs" }, { command: 'warpdeck doctor --for "RTX 5090" --driver 580.95', does: 'for a GPU that is not here' }, { command: 'warpdeck doctor --env ~/envs/chat --deep', does: 'one environment, proved by kernels' }, { command: 'warpdeck doctor --image nvcr.io/nvidia/pytorch:25.04-py3 --for sm_120', does: 'a container image' }],
    load: async () => (await import('./commands/doctor.ts')).runDoctor,
  },
  {
    name: 'upgrade', summary: 'repairs an environment as a transaction that can be undone', usage: 'ENV [--to TARGET] [--route ROUTE] [--smoke COMMAND] [--dry-run] [--yes]', positionals: { min: 1, max: 1 },
    flags: [
      { name: 'to', value: 'TARGET', summary: 'nearest, newest, a version (2.14.1+cu130) or a label (cu130)' }, { name: 'route', value: 'ROUTE', summary: 'another than the recommended one' },
      { name: 'for', value: 'GPU', repeats: true, summary: 'plan for a GPU that is not in this machine; may be repeated' }, { name: 'driver', value: 'VERSION', summary: 'plan with this driver' },
      { name: 'smoke', value: 'COMMAND', summary: 'a command of your own that must succeed afterwards, else the old state is put back' },
      { name: 'dry-run', summary: 'only the plan: nothing is changed' }, { name: 'yes', short: 'y', summary: 'do not ask' },
    ],
    notes: 'ENV is a name, an id or a folder. Plan, snapshot, install, verify; at the first failure, and on Ctrl+C, the old\nstate is put back.',
    examples: [{ command: 'warpdeck upgrade chat-legacy --dry-run', does: 'what would change' }, { command: 'warpdeck upgrade ~/envs/chat --to 2.14.1+cu130', does: 'to this build' }],
    load: async () => (await import('./commands/upgrade.ts')).runUpgrade,
  },
  {
    name: 'rollback', summary: 'undoes an upgrade, offline', usage: 'ENV [ID] [--dry-run] [--yes]', positionals: { min: 1, max: 2 },
    flags: [{ name: 'dry-run', summary: 'only the plan: nothing is changed' }, { name: 'yes', short: 'y', summary: 'do not ask' }],
    examples: [{ command: 'warpdeck rollback chat-legacy', does: 'undoes its last upgrade' }],
    load: async () => (await import('./commands/upgrade.ts')).runRollback,
  },
  {
    name: 'upgrades', summary: 'the journal of upgrades, and what can be undone', usage: '', positionals: { min: 0, max: 0 }, flags: [],
    examples: [{ command: 'warpdeck upgrades', does: 'newest first' }],
    load: async () => (await import('./commands/upgrade.ts')).runUpgrades,
  },
  {
    name: 'models', summary: 'models on this machine; get, estimate and measure them', usage: '[ls | get [NAME] | rm NAME | inspect NAME | estimate NAME | measure NAME | verify NAME]', words: ['ls', 'get', 'rm', 'inspect', 'estimate', 'measure', 'verify'], positionals: { min: 0, max: 2 },
    flags: [
      { name: 'offered', summary: 'with ls: the short list that Warpdeck proposes' }, { name: 'quantisation', value: 'Q', summary: 'which file of a repository, as Q4_K_M' }, { name: 'sha256', value: 'HEX', summary: 'with get and an address: what it must be' },
      { name: 'place', value: 'UUID', summary: 'with measure: a GPU, or cpu' }, { name: 'dry-run', summary: 'with rm: only which files' }, { name: 'yes', short: 'y', summary: 'with rm: do not ask' }, ...engineFlags,
    ],
    notes: 'NAME is an id, a name or a file here; "get", "estimate" and "measure" also take an offered id, a repository on the\nmodel hub (owner/name:Q4_K_M) or an address. Models of LM Studio, Ollama and the Hugging Face cache are used in place.',
    examples: [{ command: 'warpdeck models', does: 'what is here' }, { command: 'warpdeck models get', does: 'SmolLM2-135M-Instruct, 98 MB' }, { command: 'warpdeck models estimate bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M', does: 'memory and speed before the download' }, { command: 'warpdeck models measure smollm2-135m-instruct', does: 'its speed here' }],
    load: async () => (await import('./commands/models.ts')).runModels,
  },
  {
    name: 'chat', summary: 'talks to a model', usage: '[MODEL] [--prompt TEXT]', positionals: { min: 0, max: 1 },
    flags: [
      { name: 'prompt', alias: '-p', value: 'TEXT', summary: 'one question; without it standard input, or a conversation at the terminal' }, { name: 'system', value: 'TEXT', summary: 'system prompt' },
      { name: 'max-tokens', alias: '-n', value: 'N', summary: 'ends the answer after so many tokens' }, { name: 'json-schema', value: 'JSON', summary: 'the answer is JSON of this schema' }, { name: 'grammar', value: 'FILE', summary: 'the answer follows this GBNF grammar' },
      { name: 'make-room', summary: 'unload other models where there is no room' }, { name: 'list', summary: 'the stored conversations' }, { name: 'export', value: 'ID', summary: 'a stored conversation as Markdown, or JSON with --json' },
      ...samplingFlags, ...engineFlags,
    ],
    notes: 'Without MODEL: the default one, which is fetched where no model is here. Figures of the answer go to standard error.',
    examples: [{ command: 'warpdeck chat --prompt "Why is the sky blue?"', does: 'one answer of the default model' }, { command: 'warpdeck chat -ngl 0 -c 4096', does: 'a conversation, on the processor' }, { command: 'git diff | warpdeck chat --system "Review this change."', does: 'from standard input' }],
    load: async () => (await import('./commands/chat.ts')).runChat,
  },
  {
    name: 'load', summary: 'loads a model and keeps it', usage: '[MODEL]', positionals: { min: 0, max: 1 }, flags: [{ name: 'make-room', summary: 'unload other models where there is no room' }, ...engineFlags],
    notes: 'Exit code 1 when the model is not where it was asked to be. The engine stays until "warpdeck stop".',
    examples: [{ command: 'warpdeck load smollm2-135m-instruct', does: 'loads it' }, { command: 'warpdeck load qwen2.5-7b -ngl 99 -fa on -ctk q8_0', does: 'with settings' }],
    load: async () => (await import('./commands/load.ts')).runLoad,
  },
  {
    name: 'unload', summary: 'takes a model out of memory', usage: '[MODEL]', positionals: { min: 0, max: 1 }, flags: [],
    notes: 'Without MODEL: all of them.',
    examples: [{ command: 'warpdeck unload', does: 'all models' }],
    load: async () => (await import('./commands/load.ts')).runUnload,
  },
  {
    name: 'engine', summary: 'builds of llama.cpp: which runs here and why', usage: '[ls | try | fetch | build]', words: ['ls', 'try', 'fetch', 'build'], positionals: { min: 0, max: 1 },
    flags: [{ name: 'backend', value: 'KIND', choices: ['cuda', 'vulkan', 'cpu'], summary: 'with build: which (cuda)' }],
    notes: 'fetch gets the CUDA runtime that the CUDA build needs; build compiles llama.cpp for this GPU. Exit code 1 when none runs.',
    examples: [{ command: 'warpdeck engine', does: 'the builds, their kernels, whether a trial ran' }, { command: 'warpdeck engine build', does: 'one for this GPU, from the sources that are shipped' }],
    load: async () => (await import('./commands/engine.ts')).runEngine,
  },
  {
    name: 'optimize', summary: 'switches: what each does here, measured; applied and undone', usage: '[ls | show | measure | apply | revert | applied | profile | run | health | slow] …',
    words: ['ls', 'show', 'measure', 'apply', 'revert', 'applied', 'profile', 'run', 'health', 'slow'], positionals: { min: 0, max: 1000 },
    flags: [
      { name: 'env', value: 'PATH', summary: 'environment by folder, name or id (the best one of this machine)' }, { name: 'place', value: 'PLACE', summary: 'cpu or the UUID of a GPU (the first GPU)' },
      { name: 'workload', value: 'NAME', summary: 'with measure: on what (the most telling one)' }, { name: 'command', value: 'COMMAND', summary: 'with measure: your own program, run once for each figure' }, { name: 'pattern', value: 'REGEX', summary: 'with --command: its first group is the figure' },
      { name: 'lower-is-better', summary: 'with --command: a smaller figure is a better one' }, { name: 'run-seconds', value: 'N', summary: 'with --command: most time for one run, s (300)' }, { name: 'model', value: 'MODEL', summary: 'with a switch of llama.cpp: which model' }, { name: 'budget', value: 'SECONDS', summary: 'with measure: time after which it ends (180)' },
      { name: 'require', summary: 'with measure: exit code 1 unless it helps' }, { name: 'by', value: 'MEANS', choices: ['snippet', 'hook', 'conda', 'jupyter'], summary: 'with apply: snippet writes nothing (snippet)' },
      { name: 'set', value: 'SWITCH', repeats: true, summary: 'with run: a switch, as tf32 or sdpa=flash; may be repeated' }, { name: 'profile', value: 'NAME', summary: 'with run: a set of switches (llm_inference)' },
      { name: 'seconds', value: 'N', summary: 'with slow: how long to watch (10)' }, { name: 'yes', short: 'y', summary: 'apply without asking' }, { name: 'dry-run', summary: 'show what would be written' },
    ],
    notes: 'measure and apply take switches as NAME or NAME=VALUE. measure runs the code of the environment. run starts any program with\nswitches in force; what does not fit is left out and named, the program runs all the same.',
    examples: [
      { command: 'warpdeck optimize', does: 'every switch: state, and what it was measured to bring here' }, { command: 'warpdeck optimize measure tf32', does: 'off against on, interleaved, with its interval' },
      { command: 'warpdeck optimize apply tf32 --by hook --env .venv', does: 'into an environment, with a kill switch and an undo' }, { command: 'warpdeck optimize run --set tf32 -- python train.py', does: 'one program with a switch in force' }, { command: 'warpdeck optimize slow', does: 'why is it slow: ranked causes, a number each' },
    ],
    load: async () => (await import('./commands/optimize.ts')).runOptimize,
  },
  {
    name: 'bench', summary: 'benchmarks with intervals, joined with power and clocks', usage: '[ls | run NAME | show RUN | compare A B | history | export RUN | import FILE | rm RUN | canary]',
    words: ['ls', 'run', 'show', 'compare', 'history', 'export', 'import', 'rm', 'canary'], positionals: { min: 0, max: 3 },
    flags: [
      { name: 'case', value: 'ID', repeats: true, summary: 'with run: only this case; may be repeated' }, { name: 'place', value: 'PLACE', summary: 'cpu or the UUID of a GPU (the first GPU, else the processor)' }, { name: 'env', value: 'PATH', summary: 'environment by folder, name or id' },
      { name: 'model', value: 'MODEL', summary: 'for llm: which model' }, { name: 'seconds', value: 'N', summary: 'with run: most time for a case, s' }, { name: 'name', value: 'NAME', summary: 'with history: only this benchmark' },
      { name: 'format', value: 'FORMAT', choices: ['jsonl', 'markdown', 'csv', 'svg'], summary: 'with export (markdown)' }, { name: 'output', short: 'o', value: 'FILE', summary: 'with export: a file instead of standard output' }, { name: 'last', summary: 'with canary: what the last one said' },
    ],
    notes: 'Without a GPU the processor is measured, and it is said; matrix products also without PyTorch, by NumPy. compare exits with 1 when a row is slower, canary when it alarms.',
    examples: [{ command: 'warpdeck bench', does: 'what can be measured' }, { command: 'warpdeck bench run matmul', does: 'matrix products by type and size' }, { command: 'warpdeck bench canary', does: 'a minute: is this machine as fast as it was' }],
    load: async () => (await import('./commands/bench.ts')).runBench,
  },
  {
    name: 'tune', summary: 'finds the fastest engine settings for a model by measuring', usage: 'MODEL [--budget SECONDS] [--goal decode|prompt|parallel]', positionals: { min: 1, max: 1 },
    flags: [
      { name: 'budget', value: 'SECONDS', summary: 'time after which the search ends (600)' }, { name: 'goal', value: 'GOAL', choices: ['decode', 'prompt', 'parallel'], summary: 'what is made fast (decode)' }, { name: 'place', value: 'PLACE', summary: 'cpu or the UUID of a GPU' },
      { name: 'allow-answer-changing', summary: 'also settings with which answers may differ' }, { name: 'ctx-size', short: 'c', value: 'TOKENS', summary: 'context that must hold' }, { name: 'no-save', summary: 'do not keep the winner as the settings of this model' },
    ],
    examples: [{ command: 'warpdeck tune SmolLM2-135M-Instruct', does: 'before and after, with the interval' }],
    load: async () => (await import('./commands/tune.ts')).runTune,
  },
  {
    name: 'record', summary: 'a replayable recording of what the driver says', usage: 'FILE --seconds N', positionals: { min: 1, max: 1 },
    flags: [{ name: 'seconds', short: 's', value: 'N', summary: 'how long, 1 to 86400 s' }, { name: 'note', value: 'TEXT', summary: 'kept in its header' }, { name: 'force', summary: 'replace FILE if it is there' }],
    notes: 'Ctrl+C ends it early and keeps what was recorded. Play it with --gpus replay:FILE.',
    examples: [{ command: 'warpdeck record matmul.jsonl --seconds 60', does: 'records a minute' }, { command: 'warpdeck gpus --watch --gpus replay:matmul.jsonl', does: 'plays it' }],
    load: async () => (await import('./commands/record.ts')).runRecord,
  },
  {
    name: 'export', summary: 'the history as CSV or JSON lines', usage: '[--from TIME] [--to TIME] [--format csv|jsonl] [-o FILE]', positionals: { min: 0, max: 0 },
    flags: [
      { name: 'from', value: 'TIME', summary: 'beginning: -1h, -2d, 2026-03-01, 2026-03-01T14:00 (-1h)' }, { name: 'to', value: 'TIME', summary: 'end (now)' },
      { name: 'format', value: 'FORMAT', choices: ['csv', 'jsonl'], summary: 'csv or jsonl (csv; jsonl with --json)' }, { name: 'output', short: 'o', value: 'FILE', summary: 'a file instead of standard output' },
    ],
    examples: [{ command: 'warpdeck export --from -1h', does: 'the last hour as CSV' }, { command: 'warpdeck export --from 2026-03-01 --to 2026-03-02 --format jsonl -o day.jsonl', does: 'one day into a file' }],
    load: async () => (await import('./commands/export.ts')).runExport,
  },
  {
    name: 'jobs', summary: 'everything that takes long, whoever started it', usage: '[ls | show ID | attach ID | cancel ID]', words: ['ls', 'show', 'attach', 'cancel'], positionals: { min: 0, max: 2 }, flags: [],
    examples: [{ command: 'warpdeck jobs', does: 'running and recent jobs' }, { command: 'warpdeck jobs attach ID', does: "a job's log until it ends" }, { command: 'warpdeck jobs cancel ID', does: 'cancels one' }],
    load: async () => (await import('./commands/jobs.ts')).runJobs,
  },
  {
    name: 'alerts', summary: 'open alerts and those that are over', usage: '[--since TIME]', positionals: { min: 0, max: 0 },
    flags: [{ name: 'since', value: 'TIME', summary: 'how far back, as -1h or a date (-1d)' }],
    notes: 'Exit code 1 when an alert is open.',
    examples: [{ command: 'warpdeck alerts --since -7d', does: 'the last week' }],
    load: async () => (await import('./commands/alerts.ts')).runAlerts,
  },
  {
    name: 'settings', summary: 'reads and changes settings', usage: '[get [NAME] | set NAME VALUE]', words: ['get', 'set'], positionals: { min: 0, max: 3 }, flags: [],
    examples: [{ command: 'warpdeck settings', does: 'all settings' }, { command: 'warpdeck settings get alerts.temperature', does: 'a part of them' }, { command: 'warpdeck settings set history.sizeCapMiB 1024', does: 'changes one' }],
    load: async () => (await import('./commands/settings.ts')).runSettings,
  },
  {
    name: 'report', summary: 'a redacted support bundle as text', usage: '[-o FILE]', positionals: { min: 0, max: 0 },
    flags: [{ name: 'output', short: 'o', value: 'FILE', summary: 'a file instead of standard output' }],
    examples: [{ command: 'warpdeck report -o report.txt', does: 'writes it to a file' }],
    load: async () => (await import('./commands/report.ts')).runReport,
  },
  {
    name: 'call', summary: 'any operation of the engine', usage: 'OPERATION [--input JSON]', positionals: { min: 1, max: 1 },
    flags: [{ name: 'input', short: 'i', value: 'JSON', summary: 'its input; @FILE reads a file, - standard input ({})' }],
    notes: 'A stream prints one JSON object a line until Ctrl+C.',
    examples: [{ command: 'warpdeck call gpus.list', does: 'asks once' }, { command: `warpdeck call gpus.watch --input '{"rateHz":2}'`, does: 'a stream, two readings a second' }],
    load: async () => (await import('./commands/call.ts')).runCall,
  },
  {
    name: 'api', summary: 'lists all operations', usage: '[OPERATION]', positionals: { min: 0, max: 1 }, flags: [],
    notes: 'With --json: name, effect, and JSON schemas of input and output.',
    examples: [{ command: 'warpdeck api', does: 'a table of all operations' }, { command: 'warpdeck api gpus.terminate --json', does: "one operation's schemas" }],
    load: async () => (await import('./commands/api.ts')).runApi,
  },
  {
    name: 'completion', summary: 'a completion script for a shell', usage: 'bash|zsh|fish', words: ['bash', 'zsh', 'fish'], positionals: { min: 1, max: 1 }, flags: [],
    examples: [{ command: 'source <(warpdeck completion bash)', does: 'bash, this shell' }, { command: 'warpdeck completion zsh > "${fpath[1]}/_warpdeck"', does: 'zsh' }, { command: 'warpdeck completion fish > ~/.config/fish/completions/warpdeck.fish', does: 'fish' }],
    load: async () => (await import('./commands/completion.ts')).runCompletion,
  },
];
