import { titleOfCommand, type ChosenToggle, type CommandWorkload, type MeasureWish, type Toggle, type Workload } from '../../../contract/optimize.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ArmWish } from '../../benchmarks/parts.ts';
import { nameToggle, requireToggle } from '../toggles/all-toggles.ts';
import type { ToggleFacts } from '../toggles/toggle-definition.ts';
import { factsOf, type EffectsDeps, type EffectSubject } from './effects-deps.ts';
import { armWorkload, findWorkload, workloadRecipes } from './workloads.ts';

export interface Prepared {
  readonly toggles: readonly ChosenToggle[];
  readonly workload: Workload;
  readonly a: ArmWish;
  readonly b: ArmWish;
  readonly notes: readonly string[];
}

/** What is applied in the environment must not act in either process: the start hook looks at this first. */
const NO_HOOK = { WARPDECK_OPTIMIZE: '0' };

type Deps = Pick<EffectsDeps, 'readModel' | 'planLaunch' | 'platform' | 'checkPattern'>;

/**
 * From a wish to two processes.
 * @throws ProblemError `toggle.unknown`, `toggle.unavailable`, `toggle.workload`, `effect.pattern`, `bench.no_torch`, `bench.no_place`
 */
export async function prepareMeasurement(wish: MeasureWish, subject: EffectSubject, deps: Deps): Promise<Prepared> {
  const facts = factsOf(subject, deps.platform);
  const definitions = wish.toggles.map((chosen) => ({ chosen, definition: requireToggle(chosen) }));
  if (typeof wish.workload === 'object' && wish.workload !== null) return prepareCommand(wish.workload, definitions.map((one) => one.chosen), subject, deps, facts);
  const recipe = chooseRecipe(wish, facts);
  const arm = armWorkload(recipe, facts.place);
  if (arm === null) throw problemError('bench.no_place', { what: recipe.workload.title, place: subject.place.name, detail: facts.place === 'cpu' ? 'it is made for a GPU.' : 'it measures the processor.' });
  if (recipe.workload.engine === 'torch' && (subject.environment === null || subject.environment.torch === null)) throw problemError('bench.no_torch', { detail: subject.environment === null ? 'No environment with PyTorch was found.' : `${subject.environment.name} has no PyTorch.` });
  const judged = definitions.map(({ chosen, definition }) => ({
    chosen, definition,
    isIdle: !definition.toggle.workloads.includes(recipe.workload.name),
    missing: definition.decideAvailable(facts, chosen.value),
  }));
  const useful = judged.filter((one) => !one.isIdle);
  if (useful.length === 0) throw notWith(wish.toggles, `it has no effect on ${recipe.workload.title} by its nature, or needs another engine.`);
  const acting = useful.filter((one) => one.missing === null);
  const absent = useful.find((one) => one.missing !== null);
  // Of a set, what is not here is left out and said; a switch alone must be here.
  if (acting.length === 0 && absent !== undefined) throw problemError('toggle.unavailable', { title: nameToggle(absent.chosen), detail: absent.missing ?? '', remedy: 'Choose another environment or GPU.' });
  const environment = subject.environment?.found ?? null;
  const notes = judged.filter((one) => !acting.includes(one)).map((one) => `${nameToggle(one.chosen)} was left out: ${one.isIdle ? 'it does nothing here by its nature.' : (one.missing ?? '')}`);
  const toggles = acting.map((one) => one.chosen);
  const common = { workload: arm, alternating: true, place: facts.place, environment: recipe.workload.engine === 'torch' ? environment : null };
  if (recipe.workload.engine === 'llama') {
    const model = await deps.readModel(wish.modelId);
    const base = Object.assign({}, model.settings, ...acting.map((one) => one.definition.baseSettings(one.chosen.value))) as typeof model.settings;
    const on = Object.assign({}, base, ...acting.map((one) => one.definition.settings(one.chosen.value, facts))) as typeof model.settings;
    return {
      toggles, workload: recipe.workload, notes: [`With ${model.name}.`, ...notes],
      a: { ...common, model: { id: model.id, settings: base }, toggles: [], variables: {} },
      b: { ...common, model: { id: model.id, settings: on }, toggles: [], variables: {} },
    };
  }
  return {
    toggles, workload: recipe.workload, notes,
    a: { ...common, model: null, toggles: [], variables: NO_HOOK },
    b: {
      ...common, model: null, toggles: acting.flatMap((one) => one.definition.code(one.chosen.value) ?? []),
      variables: Object.assign({}, NO_HOOK, ...acting.map((one) => one.definition.variables(one.chosen.value, facts))) as Record<string, string>,
    },
  };
}

/** The user's own program: switches come into it as they do when it is started with them. */
async function prepareCommand(command: CommandWorkload, toggles: readonly ChosenToggle[], subject: EffectSubject, deps: Deps, facts: ToggleFacts): Promise<Prepared> {
  const engine = toggles.find((one) => ['engine', 'device'].includes(requireToggle(one).toggle.means));
  if (engine !== undefined) throw notWith([engine], 'it cannot be brought into a program of your own.');
  // Said before a job begins: it is no finding about the switch.
  const { fault } = await deps.checkPattern(command.pattern, '');
  if (fault !== null) throw problemError('effect.pattern', { pattern: command.pattern, detail: fault });
  const plan = await deps.planLaunch(toggles, subject.environment?.found.python.path ?? null);
  const dropped = new Map(plan.dropped.map((one) => [one.toggleId, one.why]));
  const acting = toggles.filter((one) => !dropped.has(one.toggleId));
  if (acting.length === 0) throw notWith(toggles, `it cannot be brought into a program of your own. ${[...dropped.values()].join(' ')}`.trim());
  const common = { workload: command, place: facts.place, environment: subject.environment?.found ?? null, model: null, toggles: [] };
  return {
    toggles: acting,
    workload: { name: 'command', title: titleOfCommand(command), what: 'Your own program, once for each figure.', unit: command.unit, higherIsBetter: command.higherIsBetter, engine: 'command' },
    a: { ...common, variables: NO_HOOK },
    b: { ...common, variables: plan.variables },
    notes: [...plan.notes, ...toggles.filter((one) => dropped.has(one.toggleId)).map((one) => `${nameToggle(one)} was left out: ${dropped.get(one.toggleId) ?? ''}`)],
  };
}

/** Asked for by name, or the workload that most of the switches name (the most telling first) and that runs here. */
function chooseRecipe(wish: MeasureWish, facts: ToggleFacts): (typeof workloadRecipes)[number] {
  const toggles = wish.toggles.map((one) => requireToggle(one).toggle);
  if (typeof wish.workload === 'string') {
    const found = findWorkload(wish.workload);
    if (found === null) throw notWith(wish.toggles, `there is no workload "${wish.workload}".`);
    return found;
  }
  const score = (name: string): number => toggles.reduce((sum, one) => sum + weight(one, name), 0);
  const weight = (one: Toggle, name: string): number => (one.workloads.includes(name) ? 1 + 0.01 / (1 + one.workloads.indexOf(name)) : 0);
  const best = workloadRecipes.filter((one) => armWorkload(one, facts.place) !== null && score(one.workload.name) > 0).sort((x, y) => score(y.workload.name) - score(x.workload.name))[0];
  if (best !== undefined) return best;
  const first = toggles.flatMap((one) => one.workloads)[0];
  const elsewhere = first === undefined ? null : findWorkload(first);
  if (elsewhere === null) throw notWith(wish.toggles, 'no workload shows what it does.');
  return elsewhere;
}

function notWith(toggles: readonly ChosenToggle[], detail: string): Error {
  const fitting = [...new Set(toggles.flatMap((one) => requireToggle(one).toggle.workloads))];
  return problemError('toggle.workload', { title: toggles.map(nameToggle).join(', '), detail, workloads: fitting.length === 0 ? 'a benchmark, before and after' : fitting.join(', ') });
}
