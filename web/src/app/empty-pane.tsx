import { Logo } from '@/components/logo';
import { Button, Keys } from '@/components/ui';
import type { SessionUser } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useConversations, useProfile } from '@/lib/queries';
import { keyNames } from './key-names';

const t = messages.layout;

/** The right side while no conversation is open: a welcome at first, a hint later. */
export function EmptyPane({ user, onSearch }: { user: SessionUser; onSearch: () => void }) {
  const { data } = useConversations();
  const { data: profile } = useProfile();
  if (!data) return null;
  const first = data.pages.every((page) => page.items.length === 0);
  return (
    <div className="flex h-full animate-fade flex-col items-center justify-center px-8 text-center">
      <Logo className="size-16" />
      <h2 className="mt-5 font-semibold text-title">
        {first ? t.welcomeTitle(profile?.display_name ?? user.display_name) : t.pickTitle}
      </h2>
      <p className="mt-1 mb-6 max-w-sm text-md text-muted">{first ? t.welcomeText : t.pickText}</p>
      {first ? (
        <Button onClick={onSearch}>{messages.sidebar.emptyAction}</Button>
      ) : (
        <span className="flex items-center gap-2 text-muted text-sm touch:hidden">
          <Keys keys={keyNames.search} /> {t.searchHint}
        </span>
      )}
    </div>
  );
}
