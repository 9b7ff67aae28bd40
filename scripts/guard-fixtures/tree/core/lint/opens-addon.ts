// guard: eslint/no-restricted-properties
export const open = (target: object, file: string): void => {
  process.dlopen(target, file);
};
