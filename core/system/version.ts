/** Set by the build; the sources say so. A test holds it equal to package.json. */
export const VERSION = '0.1.0';
