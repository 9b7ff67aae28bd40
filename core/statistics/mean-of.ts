/** Of those that are reported; null: none is. */
export function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((one) => one !== null && one !== undefined);
  return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0) / known.length;
}
