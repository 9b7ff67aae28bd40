// guard: eslint/unused-directive
// eslint-disable-next-line no-control-regex
export const plain = /a/;
