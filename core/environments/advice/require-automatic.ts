import type { Route } from '../../../contract/upgrades.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';

/** A route that Warpdeck may carry out. @throws ProblemError `upgrade.manual_route` for one that is done by hand. */
export function requireAutomatic(route: Route): Route {
  if (route.automatic) return route;
  const unmet = route.needs.filter((n) => n.met === false).map((n) => n.text);
  throw problemError('upgrade.manual_route', { route: route.title, detail: unmet.length > 0 ? `not met: ${unmet.join('; ')}.` : byHand[route.kind] ?? 'it changes more than the environment.' });
}

const byHand: Partial<Record<Route['kind'], string>> = {
  driver: 'a driver is changed by the system’s own means, and the machine restarts.',
  container: 'a container is run beside the environment and changes nothing in it.',
  uv_project: 'the project’s own files are edited.',
  poetry: 'the project’s own files are edited.',
  pixi: 'the project’s own files are edited.',
  nightly: 'builds of the day cannot be got again, so it could not be undone.',
  new_environment: 'nothing is upgraded: it is made beside the old one.',
};
