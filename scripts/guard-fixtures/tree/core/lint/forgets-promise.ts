// guard: eslint/@typescript-eslint/no-floating-promises
export function forget(): void {
  Promise.resolve(1);
}
