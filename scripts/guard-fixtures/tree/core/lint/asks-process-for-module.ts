// guard: eslint/no-restricted-properties
export const fs: unknown = process.getBuiltinModule('fs');
