import { auditRow, defineToggle, onValue, type ToggleDefinition, type ToggleFacts } from './toggle-definition.ts';

/** The GPU's own settings: planned, tried and put back by core/optimize/devices; here is what they are. */
const needsGpu = (facts: ToggleFacts): string | null => (facts.place === 'cpu' ? 'It is a setting of a GPU.' : null);
const byDevice = 'Each change asks for administrator rights, so it is not switched to and fro by itself: measure before and after with a benchmark.';

export const persistenceMode = defineToggle({
  toggle: {
    id: 'persistence_mode',
    group: 'device',
    title: 'Persistence mode',
    what: 'The driver stays loaded while no program uses the GPU, so that the next one starts sooner.',
    since: null,
    needs: ['Linux', 'administrator rights'],
    risk: 'none',
    changesResults: 'no',
    means: 'device',
    values: onValue,
    applied: 'nvidia-smi -pm 1, on trial, with administrator rights.',
    undone: 'nvidia-smi -pm 0; it ends with the next start of the machine.',
    claim: null,
    notOffered: null,
    workloads: [],
  },
  decideAvailable: (facts) => needsGpu(facts) ?? (facts.platform === 'linux' ? null : 'It exists on Linux only.'),
  snippet: () => `sudo nvidia-smi -pm 1\n# ${byDevice}`,
});

export const powerLimit = defineToggle({
  toggle: {
    id: 'power_limit',
    group: 'device',
    title: 'Power limit',
    what: 'The most power that the GPU may draw. Lower: cooler and quieter, often nearly as fast.',
    since: null,
    needs: ['administrator rights'],
    risk: 'hardware',
    changesResults: 'no',
    means: 'device',
    values: [{ id: 'chosen', title: 'A limit within the GPU\'s range' }],
    applied: 'nvidia-smi -pl WATTS, on trial, with administrator rights.',
    undone: 'The limit from before is put back by itself unless it is confirmed.',
    claim: { said: '450 W, 3.6 kW for eight.', truth: 'An RTX 5090 has 575 W (450 W is the 4090): eight draw 4.6 kW without the host.', source: auditRow(13, 113) },
    notOffered: null,
    workloads: [],
  },
  decideAvailable: needsGpu,
  snippet: () => `sudo nvidia-smi -pl WATTS\n# ${byDevice}`,
});

export const clockLock = defineToggle({
  toggle: {
    id: 'sm_clock_lock',
    group: 'device',
    title: 'Clock lock',
    what: 'The SM clock is held at one value, so that measurements resemble each other.',
    since: 'driver 418',
    needs: ['compute capability 7.0', 'administrator rights'],
    risk: 'hardware',
    changesResults: 'no',
    means: 'device',
    values: [{ id: 'chosen', title: 'A clock within the GPU\'s range' }],
    applied: 'nvidia-smi -lgc MHZ, on trial, with administrator rights.',
    undone: 'nvidia-smi -rgc; it is put back by itself unless it is confirmed.',
    claim: { said: 'Set application clocks to the maximum.', truth: 'The GPU boosts beyond its specified clock by itself while power and heat allow; a lock can only hold it lower or steadier.', source: 'performance reference, section 0, fact 4' },
    notOffered: null,
    workloads: [],
  },
  decideAvailable: needsGpu,
  snippet: () => `sudo nvidia-smi -lgc MHZ\n# ${byDevice}`,
});

export const deviceToggles: readonly ToggleDefinition[] = [persistenceMode, powerLimit, clockLock];
