// Who may import whom. Default deny: an import that no line of `allowed` names is an error, type-only and dynamic
// ones included. The table in ARCHITECTURE.md says the same in words. Each rule has a planted violation in
// scripts/guard-fixtures/tree that must be found.

/** A package and its types, as a path below node_modules. */
const packages = (...names) => `^node_modules/(@types/)?(${names.map((name) => name.replaceAll('.', '\\.')).join('|')})(/|$)`;
const node = { dependencyTypes: ['core'] };
const TEST = '\\.test\\.tsx?$|(^|/)fixtures/|(^|/)test-support[^/]*\\.tsx?$';

/** What every part of the engine may use: places, versions, the log, the one atomic writer. */
const FOUNDATION = '^core/(system|logging)/|^core/storage/write-file-atomic\\.ts$';

const allow = (from, to) => ({ from: typeof from === 'string' ? { path: from } : from, to: typeof to === 'string' ? { path: to } : to });

const allowed = [
  // contract: imported by everyone, imports nobody.
  allow('^contract/', '^contract/'),
  allow('^contract/', packages('zod', '@orpc/contract')),

  // core: its own area, the foundation, and other areas' interfaces (types only); app.ts hands in the rest.
  allow('^core/', '^contract/'),
  allow('^core/', node),
  allow('^core/', packages('node', 'zod', 'ws', 'pino', 'fastify', '@fastify/static', '@orpc/(contract|client|server|openapi|zod|json-schema|shared)')),
  allow('^core/([^/]+)/', '^core/$1/'),
  allow('^core/', FOUNDATION),
  allow('^core/', { path: '^core/', dependencyTypes: ['type-only'] }),
  allow('^core/app\\.ts$', '^core/'),
  // The command line attaches to an engine or starts one; the engine's process begins with app.ts.
  allow('^core/cli/', '^core/engine/'),
  allow('^core/engine/', '^core/(app\\.ts$|web/)'),
  allow('^core/web/', '^core/engine/'),
  // Leaves without state: who holds the lock, what --gpus means.
  allow('^core/engine/', '^core/supervisor/(process-identity|exclusive-file)\\.ts$'),
  allow('^core/engine/', '^core/gpu/sources/choose-source\\.ts$'),
  // A leaf for all: numbers in, numbers out.
  allow('^core/', '^core/statistics/'),
  // Leaves without state: who a process is, a tool run to its end, the newest value for many readers.
  allow('^core/(environments|inference)/', '^core/(supervisor/(process-identity|exclusive-file|run-tool)|engine/gauge)\\.ts$'),
  allow('^core/(benchmarks|optimize)/', '^core/engine/gauge\\.ts$'),
  // It ties measuring together: what the other areas have is handed on from here.
  allow('^core/optimize/assemble-optimize\\.ts$', '^core/(benchmarks|environments|inference)/'),
  // `optimize run` starts a program in its own terminal, where no engine could.
  allow('^core/cli/', '^core/(optimize/launch/|supervisor/run-foreground\\.ts$)'),
  allow('^core/inference/', '^core/storage/storage-client\\.ts$'),
  allow('^core/testing/', '^core/'),

  // native-workers: each its own folder and the runtime, and the native packages that are its reason.
  allow('^native-workers/', '^contract/'),
  allow('^native-workers/', node),
  allow('^native-workers/', packages('node', 'zod')),
  allow('^native-workers/([^/]+)/', '^native-workers/($1|runtime)/'),
  allow('^native-workers/nvml/', packages('koffi')),
  allow('^native-workers/inference/', packages('node-llama-cpp')),
  allow('^native-workers/model-probe/.*\\.test\\.ts$', packages('@huggingface/gguf')),

  // electron: the desktop face.
  allow('^electron/', '^(contract|electron)/'),
  allow('^electron/', node),
  allow('^electron/', packages('node', 'electron', 'ws', 'zod', '@orpc/(contract|client|server)')),

  // renderer: packages for the browser, no Node. Features do not know each other; ui and live-series know no feature.
  allow('^renderer/', '^contract/'),
  allow('^renderer/', packages('react', 'react-dom', 'zustand', 'zod', '@orpc/(contract|client|shared)', 'vite')),
  allow('^renderer/(ui|features|app)/', packages('radix-ui', '@radix-ui/[^/]+', 'lucide-react', 'cmdk', '@tanstack/react-(table|virtual)', 'recharts', 'uplot', 'get-nonce')),
  allow('^renderer/features/chat/', packages('react-markdown', 'remark-gfm', 'rehype-sanitize', 'hast', 'mdast', 'unified')),
  allow('^renderer/live-series/', packages('uplot')),
  allow('^renderer/main\\.tsx$', packages('get-nonce')),
  allow('^renderer/', { path: '^renderer/.*\\.css$|^node_modules/(uplot|tailwindcss)/.*\\.css$' }),
  allow('^renderer/main\\.tsx$', '^renderer/'),
  allow('^renderer/app/', '^renderer/'),
  allow('^renderer/features/([^/]+)/', '^renderer/(features/$1|app|connection|stores|live-series|ui)/'),
  allow('^renderer/stores/', '^renderer/(stores|connection|live-series)/'),
  allow('^renderer/connection/', '^renderer/(connection|live-series)/'),
  allow('^renderer/live-series/', '^renderer/live-series/'),
  allow('^renderer/ui/', '^renderer/ui/'),
  allow('^renderer/vite\\.config\\.ts$', packages('vite', '@vitejs/plugin-react', '@tailwindcss/vite')),

  // e2e: the product from outside. The benchmarks read what the product's own tests read.
  allow('^e2e/', '^(contract|e2e)/'),
  allow('^e2e/', node),
  allow('^e2e/', packages('node', '@playwright/test', 'playwright', 'playwright-core', '@axe-core/playwright', 'axe-core', 'ws', 'zod', 'vitest', 'vite', '@vitejs/plugin-react', '@electron/fuses', 'electron', 'parse-prometheus-text-format', 'openai', '@orpc/(contract|client)')),

  allow('^e2e/(bench|fixtures|specs)/', '^core/testing/'),
  // What no operation offers by itself: a worker alone, a snapshot alone.
  allow('^e2e/bench/', '^core/(environments|inference|optimize|benchmarks|statistics|gpu|supervisor|logging|storage|system)/'),

  // bin: before anything is installed. scripts: build tools, the launcher's own steps.
  allow('^bin/', '^bin/'),
  allow('^bin/', node),
  allow('^scripts/', '^(scripts|bin|contract|e2e)/'),
  allow('^scripts/', node),
  allow('^scripts/', packages('node', 'vite', '@vitejs/plugin-react', '@tailwindcss/vite', 'electron-builder', '@electron/fuses', 'ws', 'typescript', '@playwright/test', 'playwright')),
  allow('^[^/]+\\.config\\.(ts|mjs)$', packages('vitest', 'typescript-eslint', 'eslint', 'vite')),
  allow('^[^/]+\\.config\\.(ts|mjs)$', node),

  // Tests: any part of their own side, the tools of testing, and the C driver's builder in core/testing.
  allow('^core/.*\\.test\\.ts$|^core/.*/fixtures/', '^core/'),
  allow('^native-workers/.*\\.test\\.ts$', '^core/testing/'),
  allow('^(contract|core|native-workers|electron|bin|scripts)/.*\\.test\\.ts$|^core/testing/|^core/.*/fixtures/', packages('vitest', 'fast-check', 'ws', 'zod', 'openai', 'parse-prometheus-text-format', '@orpc/(client|contract|server)')),
  allow('^contract/.*\\.test\\.ts$', node),
  allow('^renderer/.*\\.test\\.tsx?$', '^renderer/'),
  allow('^renderer/.*\\.test\\.tsx?$|^renderer/.*test-support', packages('vitest', 'fast-check', '@testing-library/[^/]+', 'jsdom', 'axe-core', '@orpc/server')),
  allow('^bin/.*\\.test\\.ts$', '^bin/'),
];

module.exports = {
  allowedSeverity: 'error',
  allowed,
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: `${TEST}|\\.d\\.ts$|\\.config\\.|^scripts/|^e2e/|^renderer/main\\.tsx$|/vite-env` }, to: {} },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      comment: 'A package that package.json does not name is there by chance.',
      from: { path: '^(contract|core|native-workers|electron|renderer|e2e|bin|scripts)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], pathNot: '^node_modules/@types/' },
    },
    {
      name: 'processes-start-in-one-place',
      severity: 'error',
      from: { path: '^(contract|core|native-workers|electron|renderer)/', pathNot: `^core/supervisor/|^core/engine/spawn-engine\\.ts$|^core/testing/|^native-workers/runtime/|^electron/engine-process\\.ts$|${TEST}` },
      to: { path: '^(node:)?(child_process|cluster)$' },
    },
    { name: 'product-knows-no-test', severity: 'error', from: { path: '^(contract|core|native-workers|electron|renderer)/', pathNot: `${TEST}|^core/testing/` }, to: { path: `${TEST}|^core/testing/` } },
    { name: 'features-apart', severity: 'error', from: { path: '^renderer/features/([^/]+)/', pathNot: TEST }, to: { path: '^renderer/features/', pathNot: '^renderer/features/$1/' } },
    { name: 'areas-apart', severity: 'error', from: { path: '^core/(gpu|jobs|settings|alerts|storage|supervisor|logging|system)/', pathNot: TEST }, to: { path: '^core/', pathNot: `^core/$1/|${FOUNDATION}`, dependencyTypesNot: ['type-only'] } },
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    exclude: { path: '^(out|dist)/|^e2e/(\\.harness|gallery|electron-harness)/|^scripts/guard-fixtures/' },
    tsPreCompilationDeps: true,
    preserveSymlinks: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'], extensions: ['.ts', '.tsx', '.mjs', '.cjs', '.js', '.d.ts', '.css'] },
  },
};
