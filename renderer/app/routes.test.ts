import { describe, expect, it } from 'vitest';
import { hrefOf, parseRoute } from './routes.ts';

describe('routes', () => {
  it.each([
    ['', 'monitor', null],
    ['#', 'monitor', null],
    ['#/alerts', 'alerts', null],
    ['#/settings/local-api', 'settings', 'local-api'],
    ['#/settings/', 'settings', null],
    ['#/benchmarks/matmul', 'benchmarks', 'matmul'],
    ['#/nothing/at-all', 'monitor', null],
    ['#/settings/%E0%A4%A', 'settings', '%E0%A4%A'],
  ])('%s is %s, section %s', (hash, page, section) => {
    expect(parseRoute(hash)).toMatchObject({ page, section });
  });
  it('reads the query behind the place', () => {
    expect(parseRoute('#/monitor?bench=1').query.get('bench')).toBe('1');
  });
  it('comes back to what it made', () => {
    expect(parseRoute(hrefOf('settings', 'a b/c'))).toMatchObject({ page: 'settings', section: 'a b/c' });
  });
});
