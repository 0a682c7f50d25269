import { Check, CheckCheck, CircleAlert, Clock3 } from 'lucide-react';
import { cn } from '@/components/ui';
import { messages } from '@/lib/messages';
import type { SendState } from './rows';

// Four different shapes: colour only helps.
const shapes = {
  pending: { Icon: Clock3, size: 12, className: 'text-on-mine-muted', label: messages.states.pending },
  sent: { Icon: Check, size: 14, className: 'text-on-mine-muted', label: messages.states.sent },
  read: { Icon: CheckCheck, size: 15, className: 'text-tick-read', label: messages.states.read },
  failed: { Icon: CircleAlert, size: 13, className: 'text-white', label: messages.states.failed },
};

/** How far an own message has got. */
export function MessageState({ state, className }: { state: SendState; className?: string }) {
  const { Icon, size, className: colour, label } = shapes[state];
  return (
    <span
      className={cn('inline-flex w-[15px] justify-center', className ?? colour)}
      title={label}
      data-state={state}
    >
      <Icon aria-hidden="true" size={size} strokeWidth={2.4} />
      <span className="sr-only">{label}</span>
    </span>
  );
}
