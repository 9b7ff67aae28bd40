// guard: depcruise/no-orphans
// guard: knip/files
export const alone = 1;
