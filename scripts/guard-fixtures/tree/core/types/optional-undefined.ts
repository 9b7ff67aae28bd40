// guard: tsc/TS2375
export const options: { readonly name?: string } = { name: undefined };
