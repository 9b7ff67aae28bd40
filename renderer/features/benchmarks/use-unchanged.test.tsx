import { renderHook } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { useUnchanged } from './use-unchanged.ts';

describe('useUnchanged', () => {
  it('is the same object while it says the same, and the new one when it says something else', () => {
    const first = { places: [{ key: 'a', figure: 1 }] };
    const { result, rerender } = renderHook(({ value }) => useUnchanged(value), { initialProps: { value: first } });
    expect(result.current).toBe(first);
    rerender({ value: structuredClone(first) });
    expect(result.current).toBe(first);
    const second = { places: [{ key: 'a', figure: 2 }] };
    rerender({ value: second });
    expect(result.current).toBe(second);
    rerender({ value: structuredClone(first) });
    expect(result.current).toEqual(first);
  });
});
