import { Button } from '@/components/ui';
import { type Conversation, toProblem } from '@/lib/api';
import { useSetBlock } from '@/lib/blocks';
import { messages } from '@/lib/messages';
import { useDecide } from '@/lib/requests';

const t = messages.requests;

/** In the place of the message box, until this person has decided about a message request. */
export function RequestBar({ conversation }: { conversation: Conversation }) {
  const { id, peer, request } = conversation;
  const decide = useDecide(id);
  const setBlock = useSetBlock();
  const error = decide.error ?? setBlock.error;
  const ignored = request === 'ignored';
  const name = peer.display_name;
  return (
    <div className="flex shrink-0 flex-wrap items-center justify-center gap-x-4 gap-y-3 border-line border-t bg-surface px-4 pt-3 pb-[max(0.75rem,env(safe-area-inset-bottom))]">
      <p role={error ? 'alert' : 'status'} className="text-md text-muted">
        {error ? toProblem(error).detail : ignored ? t.ignoredBar(name) : t.bar(name)}
      </p>
      <div className="flex gap-2">
        <Button
          busy={decide.isPending && decide.variables === 'accept'}
          onClick={() => decide.mutate('accept')}
        >
          {t.accept}
        </Button>
        {ignored ? null : (
          <Button
            variant="secondary"
            busy={decide.isPending && decide.variables === 'ignore'}
            onClick={() => decide.mutate('ignore')}
          >
            {t.ignore}
          </Button>
        )}
        <Button
          variant="secondary"
          busy={setBlock.isPending}
          onClick={() => setBlock.mutate({ userId: peer.id, blocked: true })}
        >
          {t.block}
        </Button>
      </div>
    </div>
  );
}
