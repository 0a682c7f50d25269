import { Button } from '@/components/ui';
import { messages } from '@/lib/messages';

/** In the place of what the server did not give. */
export function LoadFailed({ text, onRetry }: { text: string; onRetry: () => unknown }) {
  return (
    <div role="alert" className="flex flex-col items-start gap-4">
      <p className="text-md text-muted">{text}</p>
      <Button variant="secondary" onClick={() => void onRetry()}>
        {messages.conversation.retry}
      </Button>
    </div>
  );
}
