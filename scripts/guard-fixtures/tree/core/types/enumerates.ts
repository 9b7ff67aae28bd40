// guard: tsc/TS1294
// guard: eslint/no-restricted-syntax
export enum Colour {
  Red,
}
