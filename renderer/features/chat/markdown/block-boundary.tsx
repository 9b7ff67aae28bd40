import { Component, type ReactNode } from 'react';

interface BlockBoundaryProps {
  /** Shown as it was written when it cannot be drawn. */
  readonly text: string;
  readonly children: ReactNode;
}

/** One block that cannot be drawn is shown as it was written; the rest of the page does not notice. */
export class BlockBoundary extends Component<BlockBoundaryProps, { readonly failedOn: string | null }> {
  override state: { readonly failedOn: string | null } = { failedOn: null };

  static getDerivedStateFromError(): { readonly failedOn: string | null } {
    return { failedOn: '' };
  }

  override componentDidCatch(): void {
    this.setState({ failedOn: this.props.text });
  }

  override render(): ReactNode {
    // While the text grows, the next one may work.
    const failed = this.state.failedOn !== null && (this.state.failedOn === '' || this.state.failedOn === this.props.text);
    return failed ? <p className="asis">{this.props.text}</p> : this.props.children;
  }
}
