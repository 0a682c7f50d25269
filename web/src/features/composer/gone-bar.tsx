import { messages } from '@/lib/messages';

/** In the place of the message box where the other person deleted the account. */
export function GoneBar() {
  return (
    <p className="shrink-0 border-line border-t bg-surface px-4 pt-3 pb-[max(0.75rem,env(safe-area-inset-bottom))] text-center text-md text-muted">
      {messages.farewell.gone}
    </p>
  );
}
