import { Dialog, Keys } from '@/components/ui';
import { messages } from '@/lib/messages';
import { keyNames } from './key-names';

const t = messages.shortcuts;
const order = ['search', 'next', 'previous', 'composer', 'regions', 'send', 'newline', 'help'] as const;

/** All keyboard shortcuts in one list. */
export function ShortcutHelp({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t.title} closeLabel={messages.layout.close}>
      <dl className="px-5 pb-5">
        {order.map((name) => (
          <div
            key={name}
            className="flex h-11 items-center justify-between gap-4 border-line border-t text-md first:border-0"
          >
            <dt>{t[name]}</dt>
            <dd>
              <Keys keys={keyNames[name]} />
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
