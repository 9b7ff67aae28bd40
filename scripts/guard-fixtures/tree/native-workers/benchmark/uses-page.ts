// guard: tsc/TS2304
export const width: unknown = window.innerWidth;
