/** The version of this page; a test holds it equal to package.json. */
export const PAGE_VERSION = '0.1.0';
