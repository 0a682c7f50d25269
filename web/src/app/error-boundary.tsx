import { Component, type ErrorInfo, type ReactNode } from 'react';
import { Button } from '@/components/ui';
import { messages } from '@/lib/messages';
import { Notice } from './notice';

const t = messages.layout;

type Props = { children: ReactNode };

/** Catches what nobody else did: a page with a way out instead of a white screen. */
export class ErrorBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidCatch(error: Error, info: ErrorInfo) {
    // Reaches the browser's console and whoever listens for errors there.
    reportError(new Error(`${error.message}${info.componentStack ?? ''}`, { cause: error }));
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <Notice title={t.crashTitle} text={t.crashText}>
        <Button onClick={() => location.reload()}>{t.crashAction}</Button>
      </Notice>
    );
  }
}
