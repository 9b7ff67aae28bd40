import { act, cleanup, render, screen } from '@testing-library/react';
import { Component, type ReactNode } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { lazyPage } from './lazy-page.tsx';

afterEach(cleanup);

const Greeting = ({ name }: { readonly name: string }): ReactNode => <p>Hello {name}</p>;

class Boundary extends Component<{ readonly children: ReactNode }, { readonly why: string | null }> {
  override state: { readonly why: string | null } = { why: null };
  static getDerivedStateFromError(error: unknown): { readonly why: string } {
    return { why: (error as Error).message };
  }
  override render(): ReactNode {
    return this.state.why === null ? this.props.children : <p>Failed: {this.state.why}</p>;
  }
}

describe('lazyPage', () => {
  it('fetches its code when it is first shown, and shows it as soon as it is there', async () => {
    const code = Promise.withResolvers<typeof Greeting>();
    const fetchCode = vi.fn(() => code.promise);
    const { Page } = lazyPage(fetchCode);
    expect(fetchCode).not.toHaveBeenCalled();
    const { container } = render(<Page name="you" />);
    expect(container.textContent).toBe('');
    await act(async () => { code.resolve(Greeting); await code.promise; });
    expect(screen.getByText('Hello you')).toBeTruthy();
    expect(fetchCode).toHaveBeenCalledTimes(1);
  });

  it('is there in the first picture once the code is known, for each that shows it', async () => {
    const fetchCode = vi.fn(() => Promise.resolve(Greeting));
    const { Page, load } = lazyPage(fetchCode);
    await load();
    const first = render(<Page name="one" />);
    expect(first.container.textContent).toBe('Hello one');
    first.unmount();
    expect(render(<Page name="two" />).container.textContent).toBe('Hello two');
    expect(fetchCode).toHaveBeenCalledTimes(1);
  });

  it('hands what the fetch throws to the boundary around it; shown anew it is fetched again', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const fetchCode = vi.fn(() => Promise.resolve(Greeting));
    fetchCode.mockRejectedValueOnce(new Error('cut off'));
    const { Page } = lazyPage(fetchCode);
    const first = render(<Boundary><Page name="you" /></Boundary>);
    expect(await screen.findByText('Failed: cut off')).toBeTruthy();
    first.unmount();
    render(<Boundary><Page name="you" /></Boundary>);
    expect(await screen.findByText('Hello you')).toBeTruthy();
    vi.restoreAllMocks();
  });

  it('that has gone before its code came does nothing', async () => {
    const code = Promise.withResolvers<typeof Greeting>();
    const { Page } = lazyPage(() => code.promise);
    const { unmount, container } = render(<Page name="you" />);
    unmount();
    await act(async () => { code.resolve(Greeting); await code.promise; });
    expect(container.textContent).toBe('');
  });
});
