// guard: eslint/no-restricted-syntax
export { firstJob } from '../jobs/job-list.ts';
