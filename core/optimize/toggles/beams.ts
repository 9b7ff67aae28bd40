import { decideTorchNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

export const beams = defineToggle({
  toggle: {
    id: 'beams',
    group: 'generation',
    title: 'Beams (Transformers)',
    what: 'How many answers are followed at once while writing one. One by default.',
    since: null,
    needs: [],
    risk: 'memory',
    changesResults: 'yes',
    means: 'code',
    values: [{ id: '4', title: 'Four beams' }],
    applied: 'model.generate(…, num_beams=4).',
    undone: 'Leave num_beams out: one beam.',
    claim: { said: 'num_beams=1, early_stopping and length_penalty=1.0 avoid slowdown.', truth: 'One beam is the default; early_stopping and length_penalty only exist with several. What can be measured is what several beams cost.', source: auditRow(42, 43) },
    notOffered: 'One beam is the default. More beams are a choice about answers, not about speed.',
    workloads: ['generate'],
  },
  inPython: 'code',
  decideAvailable: (facts) => decideTorchNeeds(facts, { on: 'any' }),
  snippet: () => 'output = model.generate(**inputs, num_beams=4)',
});
