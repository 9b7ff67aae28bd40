import { decideTorchNeeds, isAtLeast } from './availability.ts';
import { auditRow, defineToggle, onValue } from './toggle-definition.ts';

/** The newer name is honoured from 2.10 on; 2.9.1 warned about the old one and ignored the new one (pytorch issue 183387). */
export const allocatorVariable = (torch: string | null): string => (torch !== null && isAtLeast(torch, '2.10') ? 'PYTORCH_ALLOC_CONF' : 'PYTORCH_CUDA_ALLOC_CONF');

export const expandableSegments = defineToggle({
  toggle: {
    id: 'expandable_segments',
    group: 'memory',
    title: 'Expandable segments',
    what: 'The allocator lets its blocks grow instead of taking new ones, so that less memory is lost between them.',
    since: 'PyTorch 2.1',
    needs: ['native Linux'],
    risk: 'stability',
    changesResults: 'no',
    means: 'variable',
    values: onValue,
    applied: 'PYTORCH_ALLOC_CONF=expandable_segments:True (before PyTorch 2.10: PYTORCH_CUDA_ALLOC_CONF) at the start of the program.',
    undone: 'Start the program without the variable.',
    claim: {
      said: 'Fragmentation eliminated, allocation overhead −50 to 80 %.',
      truth: 'Less fragmentation for programs with changing shapes; no speed to speak of, because the caching allocator already avoids nearly all calls of the driver. It can disturb sharing memory between processes.',
      source: auditRow(39, 40),
    },
    notOffered: null,
    workloads: ['training-step-bf16', 'training-step'],
  },
  decideAvailable: (facts) => decideTorchNeeds(facts, { torch: '2.1' })
    ?? (facts.platform === 'win32' ? 'PyTorch does not support it on Windows.' : facts.wsl ? 'It is broken on some WSL2 set-ups (pytorch issue 192330).' : null),
  variables: (_, { torch }) => ({ [allocatorVariable(torch)]: 'expandable_segments:True' }),
  snippet: () => '# before the program starts; PyTorch 2.9 and older: PYTORCH_CUDA_ALLOC_CONF\nexport PYTORCH_ALLOC_CONF=expandable_segments:True',
});
