import { useCallback } from 'react';
import { useLocation } from 'wouter';
import { cameFromList, paths } from '@/components/paths';
import { Button } from '@/components/ui';
import { BlockedBar, Composer, GoneBar, RequestBar } from '@/features/composer';
import { ConversationHeader, Timeline } from '@/features/timeline';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useConversation } from '@/lib/queries';

const t = messages.conversation;

/** The open conversation: header, messages, message box. Mount it with the id as key. */
export function ConversationPane({ id, me }: { id: string; me: string }) {
  const { data: conversation, error, refetch } = useConversation(id);
  const [, navigate] = useLocation();

  // Back in the history when the list is what was there before, so that it does not grow for ever.
  const back = useCallback(() => {
    if (cameFromList()) history.back();
    else navigate(paths.home, { replace: true });
  }, [navigate]);

  if (error && !conversation) {
    const gone = toProblem(error).slug === 'not-found';
    return (
      <div role="alert" className="flex h-full flex-col items-center justify-center gap-4 p-8 text-center">
        <h1 className="max-w-sm text-md text-muted">{gone ? t.notFound : t.loadFailed}</h1>
        <Button variant="secondary" onClick={gone ? () => navigate(paths.home) : () => void refetch()}>
          {gone ? t.notFoundAction : t.retry}
        </Button>
      </div>
    );
  }
  if (!conversation) return <div className="bar border-line border-b bg-surface" />;

  const name = conversation.kind === 'self' ? t.self : conversation.peer.display_name;
  return (
    <section aria-label={t.region(name)} className="flex h-full flex-col">
      <ConversationHeader conversation={conversation} onBack={back} />
      <Timeline conversation={conversation} me={me} />
      {conversation.peer_gone ? (
        <GoneBar />
      ) : conversation.blocked ? (
        <BlockedBar peer={conversation.peer} />
      ) : conversation.request !== 'none' ? (
        <RequestBar conversation={conversation} />
      ) : (
        <Composer conversationId={conversation.id} name={name} />
      )}
    </section>
  );
}
