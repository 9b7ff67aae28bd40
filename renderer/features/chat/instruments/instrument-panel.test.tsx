import { fireEvent, screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { makeProblem } from '../../../../contract/problem-catalogue.ts';
import { stageForEach } from '../test-support-page.tsx';
import { makeAnswer, makeFigures, makeLoaded, makeTruth, makeUser } from '../test-support.tsx';

const stage = stageForEach();

describe('the instruments', () => {
  it('the badge says where the model is, and how that is known', async () => {
    await stage.show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'y')]);
    stage.engine.loaded.send([makeLoaded()]);
    await stage.engine.settle();
    const badge = screen.getByRole('region', { name: 'Where the model runs' });
    expect(within(badge).getByText('On the GPU')).toBeDefined();
    expect(within(badge).getByRole('img', { name: '33 of 33 layers on the GPU' }).children).toHaveLength(33);
    fireEvent.click(within(badge).getByRole('button', { name: 'How this is known (2)' }));
    expect(within(badge).getByText('33 of 33')).toBeDefined();
    expect(within(badge).getByRole('img', { name: 'could not be told' })).toBeDefined();
  });

  it('red says the cause, and its remedy is a button', async () => {
    stage.engine.answer('inference.load', makeLoaded());
    await stage.show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'y')]);
    const problem = { ...makeProblem('truth.not_on_gpu', { detail: 'None of the 33 layers is on a GPU.', remedy: 'Load it with all layers.' }), actions: [{ kind: 'call' as const, label: 'Reload with 33 layers', operation: 'inference.load', input: { model: 'm1', settings: { gpuLayers: 33 } } }, { kind: 'call' as const, label: 'Something else', operation: 'engine.stop', input: {} }] };
    stage.engine.loaded.send([makeLoaded({ truth: makeTruth({ verdict: 'not_on_gpu', colour: 'red', title: 'On the CPU', layersOnGpu: 0, placed: [], problem }) })]);
    await stage.engine.settle();
    expect(screen.getByText('None of the 33 layers is on a GPU. Load it with all layers.')).toBeDefined();
    // Only what belongs to models is offered.
    expect(screen.queryByRole('button', { name: 'Something else' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Reload with 33 layers' }));
    await stage.engine.settle();
    expect(stage.engine.inputsOf('inference.load')).toMatchObject([{ model: 'm1', settings: { gpuLayers: 33 } }]);
  });

  it('what is not reported is a dash with its reason', async () => {
    await stage.show('c', [makeUser('u1', null, 'x'), makeAnswer('a1', 'u1', 'y', { figures: makeFigures({ joulesPerToken: null, joules: null }) })]);
    expect(screen.getByRole('note', { name: 'not reported: No GPU reported its energy for this answer alone.' })).toBeDefined();
  });
});
