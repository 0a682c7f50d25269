import { Ban, EllipsisVertical, Flag } from 'lucide-react';
import { useState } from 'react';
import { Banner, Button, Dialog, IconButton, Menu, MenuItem } from '@/components/ui';
import { toProblem, type User } from '@/lib/api';
import { useSetBlock } from '@/lib/blocks';
import { messages } from '@/lib/messages';
import { ReportDialog } from './report-dialog';

const t = messages.blocks;

/** What one can do about the other person of a conversation. */
export function PersonMenu({ peer, blocked }: { peer: User; blocked: boolean }) {
  const [asking, setAsking] = useState(false);
  const [reporting, setReporting] = useState(false);
  const setBlock = useSetBlock();
  const name = peer.display_name;

  const ask = (open: boolean) => {
    setBlock.reset();
    setAsking(open);
  };
  const trigger = (
    <IconButton label={t.menu(name)}>
      <EllipsisVertical aria-hidden="true" size={20} />
    </IconButton>
  );
  return (
    <>
      <Menu trigger={trigger} label={t.menu(name)}>
        {blocked ? (
          <MenuItem
            icon={<Ban className="size-[18px]" />}
            onSelect={() => setBlock.mutate({ userId: peer.id, blocked: false })}
          >
            {t.unblockPerson(name)}
          </MenuItem>
        ) : (
          <MenuItem icon={<Ban className="size-[18px]" />} danger onSelect={() => ask(true)}>
            {t.blockPerson(name)}
          </MenuItem>
        )}
        <MenuItem icon={<Flag className="size-[18px]" />} onSelect={() => setReporting(true)}>
          {messages.reports.person(name)}
        </MenuItem>
      </Menu>
      <ReportDialog
        target={{ user_id: peer.id }}
        title={messages.reports.titlePerson(name)}
        text={messages.reports.textPerson}
        open={reporting}
        onOpenChange={setReporting}
      />
      <Dialog open={asking} onOpenChange={ask} title={t.askTitle(name)} closeLabel={messages.layout.close}>
        <div className="px-5 pb-5">
          <p className="text-md text-muted">{t.askText}</p>
          {setBlock.error ? (
            <Banner tone="danger" role="alert" className="mt-4 rounded-lg">
              {toProblem(setBlock.error).detail}
            </Banner>
          ) : null}
          <div className="mt-6 flex justify-end gap-2">
            <Button variant="secondary" onClick={() => ask(false)}>
              {t.cancel}
            </Button>
            <Button
              variant="danger"
              busy={setBlock.isPending}
              onClick={() =>
                setBlock.mutate({ userId: peer.id, blocked: true }, { onSuccess: () => ask(false) })
              }
            >
              {t.block}
            </Button>
          </div>
        </div>
      </Dialog>
    </>
  );
}
