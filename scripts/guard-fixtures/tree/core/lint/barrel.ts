// guard: eslint/no-restricted-syntax
export * from '../jobs/job-list.ts';
