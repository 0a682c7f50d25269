import { Flag } from 'lucide-react';
import { useState } from 'react';
import { messages } from '@/lib/messages';
import { ReportDialog } from './report-dialog';

const t = messages.reports;

/** Beside a message of the other person, while the pointer or the focus is on its row. */
export function ReportButton({ messageId }: { messageId: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        aria-label={t.message}
        title={t.message}
        onClick={() => setOpen(true)}
        className="invisible absolute top-1/2 left-full ml-1 flex size-8 -translate-y-1/2 items-center justify-center rounded-full text-muted hover:bg-raised hover:text-ink group-focus-within/row:visible group-hover/row:visible"
      >
        <Flag aria-hidden="true" className="size-4" />
      </button>
      {open ? (
        <ReportDialog
          target={{ message_id: messageId }}
          title={t.titleMessage}
          text={t.textMessage}
          open
          onOpenChange={setOpen}
        />
      ) : null}
    </>
  );
}
