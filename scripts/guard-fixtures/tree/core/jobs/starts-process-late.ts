// guard: depcruise/processes-start-in-one-place
export const load = (): Promise<unknown> => import('node:child_process');
