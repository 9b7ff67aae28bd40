// guard: depcruise/no-undeclared-packages
import semver from 'semver';

export const valid: unknown = semver;
