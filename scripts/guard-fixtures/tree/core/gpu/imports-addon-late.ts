// guard: depcruise/not-in-allowed
export async function load(): Promise<unknown> {
  return import('koffi');
}
