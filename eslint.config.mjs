// What lint holds: types that are used as meant, no way around the process boundaries, no file over 500 lines.
// Each of our own restrictions has a planted violation in scripts/guard-fixtures/tree that must be found.
import tseslint from 'typescript-eslint';

const childProcess = {
  message: 'Processes are started by core/supervisor (workers, programs) or by a launcher: see ARCHITECTURE.md.',
};
const addon = { message: 'Native code is loaded by an import in native-workers/, where the process may die of it.' };

/** Files that start processes themselves: supervision, launchers, and what tests them. */
const startsProcesses = [
  'core/supervisor/**',
  'core/engine/spawn-engine.ts',
  'native-workers/runtime/**',
  'electron/engine-process.ts',
  'e2e/**',
  '**/*.test.ts',
  '**/fixtures/**',
  'core/testing/**',
];

const noBackDoor = (name) => [
  { name: `${name}module`, importNames: ['createRequire', 'register', 'registerHooks'], ...addon },
  { name: `${name}vm`, message: 'Nothing is evaluated from text.' },
];

/** Of ESLint's own rules, those that name a mistake and need no types. */
const mistakes = [
  ...['no-async-promise-executor', 'no-case-declarations', 'no-cond-assign', 'no-constant-binary-expression', 'no-control-regex', 'no-dupe-else-if'],
  ...['no-dupe-keys', 'no-duplicate-case', 'no-empty', 'no-fallthrough', 'no-irregular-whitespace', 'no-loss-of-precision', 'no-misleading-character-class'],
  ...['no-prototype-builtins', 'no-self-assign', 'no-sparse-arrays', 'no-unreachable', 'no-unsafe-finally', 'no-unsafe-optional-chaining', 'no-useless-escape'],
];

export default tseslint.config(
  { ignores: ['node_modules/', '**/out/', 'dist/', '.*/', 'e2e/.harness/', 'e2e/gallery/', 'playwright-report/', 'test-results/', 'scripts/guard-fixtures/'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['vitest.config.ts'] }, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowNullish: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // It does not see that a callback or an await changed a variable meanwhile, which is what such conditions ask.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Our objects are made of closures and know no `this`; interfaces list what they do as methods.
      '@typescript-eslint/unbound-method': 'off',
      // A function is async because its interface says so, also where one implementation need not wait.
      '@typescript-eslint/require-await': 'off',
      // `void f()` says that an answer is not wanted, also where there happens to be none.
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      // A string is spread to get its characters rather than its code units.
      '@typescript-eslint/no-misused-spread': 'off',
      // What was caught is handed on as it came.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true, allowThrowingAny: true }],
      // The middle of oRPC's types, not ours.
      '@typescript-eslint/no-generated-empty-object-type': 'off',
    },
  },
  {
    files: ['**/*.{ts,tsx,mjs,cjs,js}'],
    languageOptions: { parser: tseslint.parser },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', 500],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      ...Object.fromEntries(mistakes.map((rule) => [rule, 'error'])),
      'no-var': 'error',
      'prefer-const': 'error',
      'no-eval': 'error',
      'no-debugger': 'error',
      'no-restricted-imports': ['error', { paths: [...noBackDoor('node:'), ...noBackDoor(''), { name: 'node:child_process', ...childProcess }, { name: 'child_process', ...childProcess }] }],
      'no-restricted-properties': [
        'error',
        ...['getBuiltinModule', 'binding', 'dlopen', '_linkedBinding'].map((property) => ({ object: 'process', property, ...addon })),
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only: a thing has one name everywhere.' },
        { selector: 'ExportAllDeclaration', message: 'No barrels: import from the file that has it.' },
        { selector: 'ExportNamedDeclaration[source]', message: 'No barrels: import from the file that has it.' },
        { selector: 'TSEnumDeclaration', message: 'A union of strings instead: Node strips types and cannot run enums.' },
        { selector: "CallExpression[callee.name='require']", message: 'Modules are ES modules.' },
      ],
    },
  },
  {
    files: [...startsProcesses, 'bin/**', 'scripts/**'],
    rules: { 'no-restricted-imports': ['error', { paths: [...noBackDoor('node:'), ...noBackDoor('')] }] },
  },
  {
    // The harness puts shims beside an old Electron; it is CommonJS and loads by path because that is its task.
    files: ['e2e/electron-harness/**', 'scripts/**', 'bin/**'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    // Tests look at answers as they came (JSON, matchers); what does not fit fails the test.
    files: ['**/*.test.{ts,tsx}', 'e2e/**/*.ts', 'core/testing/**'],
    rules: Object.fromEntries(['argument', 'assignment', 'call', 'member-access', 'return'].map((what) => [`@typescript-eslint/no-unsafe-${what}`, 'off'])),
  },
  // A terminal's language is made of control characters.
  { files: ['core/cli/**', '**/*.test.ts'], rules: { 'no-control-regex': 'off' } },
  // Holds the content security policy to its word.
  { files: ['e2e/specs/**'], rules: { 'no-eval': 'off', '@typescript-eslint/no-implied-eval': 'off' } },
  { files: ['*.config.{ts,mjs,js}', 'e2e/*.config.ts', 'e2e/fixtures/global-setup.ts', '.dependency-cruiser.cjs', '**/*.cjs'], rules: { 'no-restricted-syntax': 'off' } },
);
