import manifest from '../../package.json' with { type: 'json' };

/** The version of this page, from the package it was built from. */
export const PAGE_VERSION: string = manifest.version;
