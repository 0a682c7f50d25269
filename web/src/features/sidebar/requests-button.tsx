import { ArrowLeft, ChevronRight, MailQuestionMark } from 'lucide-react';
import { messages } from '@/lib/messages';

const t = messages.requests;

type Props = { count: number; open: boolean; onToggle: () => void };

/** The way between the conversations and the message requests; nothing while there are none. */
export function RequestsButton({ count, open, onToggle }: Props) {
  if (count === 0) return null;
  const [Icon, text] = open ? [ArrowLeft, t.back] : [MailQuestionMark, t.section(count)];
  return (
    <button
      type="button"
      onClick={onToggle}
      className="mx-2 mt-1 flex h-11 shrink-0 items-center gap-3 rounded-lg px-3.5 text-left font-medium text-md transition-colors hover:bg-raised"
    >
      <Icon aria-hidden="true" className="size-5 text-accent" />
      <span className="flex-1">{text}</span>
      {open ? null : <ChevronRight aria-hidden="true" className="size-4 text-muted" />}
    </button>
  );
}
