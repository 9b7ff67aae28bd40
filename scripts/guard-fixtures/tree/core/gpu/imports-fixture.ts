// guard: depcruise/product-knows-no-test
import { helper } from '../jobs/fixtures/helper.ts';

export const host = helper.host;
