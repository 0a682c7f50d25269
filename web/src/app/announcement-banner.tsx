import { Info, Siren, TriangleAlert, X } from 'lucide-react';
import { Banner, IconButton } from '@/components/ui';
import { useAnnouncement } from '@/lib/announcement';
import { messages } from '@/lib/messages';

const t = messages.admin;
const looks = {
  info: { tone: 'info', Icon: Info },
  warning: { tone: 'warn', Icon: TriangleAlert },
  critical: { tone: 'danger', Icon: Siren },
} as const;

/** What administrators tell everybody, until it is dismissed here. */
export function AnnouncementBanner() {
  const { announcement, dismiss } = useAnnouncement();
  if (!announcement) return null;
  const { tone, Icon } = looks[announcement.level];
  return (
    <section aria-label={t.announcement} className="shrink-0">
      <Banner
        tone={tone}
        icon={<Icon aria-hidden="true" className="size-4 shrink-0" />}
        action={
          <IconButton label={t.dismiss} onClick={() => dismiss(announcement.id)} className="-my-1 size-8">
            <X aria-hidden="true" className="size-4" />
          </IconButton>
        }
      >
        {announcement.text}
      </Banner>
    </section>
  );
}
