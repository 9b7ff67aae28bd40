// guard: eslint/no-restricted-syntax
export default function thing(): number {
  return 1;
}
