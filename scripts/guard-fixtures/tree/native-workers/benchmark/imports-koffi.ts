// guard: depcruise/not-in-allowed
import koffi from 'koffi';

export const version = koffi.version;
