import { Button, cn } from '@/components/ui';
import { messages } from '@/lib/messages';

/** A word about what is under way, over the messages. */
export function Pill({ text }: { text: string }) {
  return (
    <div className="pointer-events-none absolute inset-x-0 top-3 z-10 flex animate-fade justify-center">
      <span className="rounded-full bg-overlay px-3 py-1 text-muted text-xs shadow-overlay">{text}</span>
    </div>
  );
}

/** The messages could not be loaded. */
export function LoadFailed({ retry }: { retry: () => void }) {
  return (
    <div className="flex flex-1 flex-col items-center justify-center gap-4 p-6 text-center text-muted">
      <p>{messages.conversation.loadFailed}</p>
      <Button variant="secondary" onClick={retry}>
        {messages.conversation.retry}
      </Button>
    </div>
  );
}

const widths = ['w-48', 'w-64 self-end', 'w-40 self-end', 'w-72', 'w-56', 'w-60 self-end'];

/** Grey bubbles while the first messages take long. */
export function Loading() {
  return (
    <div className="flex flex-1 flex-col justify-end px-4 pb-3 phone:px-2.5">
      <div aria-hidden="true" className="mx-auto flex w-full max-w-[52rem] animate-fade flex-col gap-3">
        {widths.map((width) => (
          <span key={width} className={cn('block h-9 animate-shimmer rounded-bubble bg-raised', width)} />
        ))}
      </div>
    </div>
  );
}
