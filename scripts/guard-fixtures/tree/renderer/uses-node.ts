// guard: tsc/TS2591
export const here: string = process.cwd();
