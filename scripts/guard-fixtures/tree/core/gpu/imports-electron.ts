// guard: depcruise/not-in-allowed
import { app } from 'electron';

export const name = app.getName();
