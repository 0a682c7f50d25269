import { LoadFailed as Failed } from '@/components/load-failed';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';

/** In the place of what the server did not give; says so when there is no such thing. */
export function LoadFailed({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const { slug, detail } = toProblem(error);
  return <Failed text={slug === 'not-found' ? detail : messages.admin.loadFailed} onRetry={onRetry} />;
}
