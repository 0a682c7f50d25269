import { Button } from '@/components/ui';
import { toProblem, type User } from '@/lib/api';
import { useSetBlock } from '@/lib/blocks';
import { messages } from '@/lib/messages';

const t = messages.blocks;

/** In the place of the message box, for somebody whom this person blocked. */
export function BlockedBar({ peer }: { peer: User }) {
  const setBlock = useSetBlock();
  return (
    <div className="flex shrink-0 flex-wrap items-center justify-center gap-3 border-line border-t bg-surface px-4 pt-3 pb-[max(0.75rem,env(safe-area-inset-bottom))]">
      <p role={setBlock.error ? 'alert' : undefined} className="text-md text-muted">
        {setBlock.error ? toProblem(setBlock.error).detail : t.bar(peer.display_name)}
      </p>
      <Button
        variant="secondary"
        busy={setBlock.isPending}
        onClick={() => setBlock.mutate({ userId: peer.id, blocked: false })}
      >
        {t.unblock}
      </Button>
    </div>
  );
}
