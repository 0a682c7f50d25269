import { Button } from '@/components/ui';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';

/** In the place of what the server did not give. */
export function LoadFailed({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const problem = toProblem(error);
  return (
    <div role="alert" className="flex flex-col items-start gap-4">
      <p className="text-md text-muted">
        {problem.slug === 'not-found' ? problem.detail : messages.admin.loadFailed}
      </p>
      <Button variant="secondary" onClick={onRetry}>
        {messages.conversation.retry}
      </Button>
    </div>
  );
}
