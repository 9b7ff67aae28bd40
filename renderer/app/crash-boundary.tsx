import { Component, type ReactNode } from 'react';

interface State {
  readonly failed: Error | null;
}

/** Catches what a component throws while it renders: says so instead of a white page. (React knows this only as a class.) */
export class CrashBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { failed: null };

  static getDerivedStateFromError(error: unknown): State {
    return { failed: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { failed } = this.state;
    if (!failed) return this.props.children;
    return (
      <div className="gate" role="alert">
        <div>
          <h1>This page failed</h1>
          <p>
            A part of the interface could not be drawn: {failed.message}. The engine goes on; nothing was lost.
          </p>
          <p>
            <button type="button" className="btn primary" onClick={() => this.setState({ failed: null })}>
              Draw it again
            </button>
          </p>
        </div>
      </div>
    );
  }
}
