// guard: eslint/eqeqeq
export const same = (a, b) => a == b;
