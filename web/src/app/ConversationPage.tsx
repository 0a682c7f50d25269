import { useLocation } from 'wouter';
import { Button } from '@/components/ui';
import { Composer } from '@/features/composer';
import { ConversationHeader, Timeline } from '@/features/timeline';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useConversation } from '@/lib/queries';
import { useSession } from '@/lib/session';

/** One conversation: who it is with, what was said, what to say. */
export function Conversation({ conversationId }: { conversationId: string }) {
  const [, navigate] = useLocation();
  const { user } = useSession();
  const { data: conversation, error, refetch } = useConversation(conversationId);
  const toList = () => navigate('/');

  if (!user) return null;
  if (!conversation) {
    const gone = error && !toProblem(error).temporary;
    return (
      <div className="flex h-full flex-1 flex-col items-center justify-center gap-4 bg-canvas p-6 text-center text-muted">
        {gone ? <p>{messages.conversation.notFound}</p> : null}
        {error && !gone ? <p>{messages.conversation.loadFailed}</p> : null}
        {error ? (
          <Button variant="secondary" onClick={gone ? toList : () => void refetch()}>
            {gone ? messages.conversation.notFoundAction : messages.conversation.retry}
          </Button>
        ) : null}
      </div>
    );
  }
  const name = conversation.kind === 'self' ? messages.conversation.self : conversation.peer.display_name;
  return (
    <section
      aria-label={messages.conversation.region(name)}
      className="flex h-full min-h-0 min-w-0 flex-1 flex-col bg-canvas"
    >
      <ConversationHeader conversation={conversation} onBack={toList} />
      <Timeline key={conversationId} conversation={conversation} me={user.id} />
      <Composer conversationId={conversationId} name={name} />
    </section>
  );
}
