import { MessageCircle, Search, SquarePen } from 'lucide-react';
import { Button, IconButton, Skeleton, Tooltip, useSlow } from '@/components/ui';
import type { SessionUser } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useConversations } from '@/lib/queries';
import { useRequestCount } from '@/lib/requests';
import { ConversationList } from './conversation-list';
import { ProfileMenu } from './profile-menu';
import { RequestsButton } from './requests-button';
import { useSections } from './use-sections';

const t = messages.sidebar;

export type SidebarProps = {
  user: SessionUser;
  /** The conversation that is on screen. */
  openId: string | undefined;
  /** The keys of the search, as shown in its field: "Ctrl K". */
  searchKeys: string;
  onSearch: () => void;
  onShowSettings: () => void;
  onShowAdmin: (() => void) | undefined;
  onShowShortcuts: () => void;
  onSignOut: () => void;
};

/** The left pane: who I am, search, and my conversations. */
export function Sidebar({ user, openId, searchKeys, onSearch, ...menu }: SidebarProps) {
  return (
    <nav aria-label={t.region} data-region="list" className="flex h-full flex-col bg-surface">
      {openId ? null : <h1 className="sr-only">{t.region}</h1>}
      <header className="bar flex shrink-0 items-center gap-1 pr-2 pl-3">
        <ProfileMenu user={user} {...menu} />
        <button
          type="button"
          aria-haspopup="dialog"
          onClick={onSearch}
          className="touch-target mx-1 flex h-9 min-w-0 flex-1 items-center gap-2 rounded-full bg-raised px-3.5 text-muted text-md transition-colors hover:bg-line"
        >
          <Search aria-hidden="true" className="size-4 shrink-0" />
          <span className="flex-1 truncate text-left">
            {t.search}
            <span className="sr-only">{t.searchMore}</span>
          </span>
          <span aria-hidden="true" className="text-xs touch:hidden">
            {searchKeys}
          </span>
        </button>
        <Tooltip text={t.compose}>
          <IconButton label={t.compose} onClick={onSearch}>
            <SquarePen className="size-5" />
          </IconButton>
        </Tooltip>
      </header>
      <Conversations me={user.id} openId={openId} onSearch={onSearch} />
    </nav>
  );
}

type ConversationsProps = { me: string; openId: string | undefined; onSearch: () => void };

function Conversations({ me, openId, onSearch }: ConversationsProps) {
  const query = useConversations();
  const { data, isPending, isError, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const slow = useSlow(isPending);
  const more = () => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  };
  // A page that failed is asked for again by scrolling, not by itself and for ever.
  const fill = hasNextPage && !isFetchingNextPage && !query.isFetchNextPageError;
  const counted = useRequestCount(hasNextPage);
  const sections = useSections(data?.pages, {
    more: fill ? fetchNextPage : undefined,
    complete: !hasNextPage,
    counted,
  });
  if (isPending) return slow ? <Loading /> : null;
  if (isError && !data) return <Failed onRetry={() => void refetch()} />;
  return (
    <>
      <RequestsButton count={sections.requests} open={sections.onRequests} onToggle={sections.toggle} />
      {sections.shown.length === 0 && !hasNextPage && !sections.onRequests ? (
        <Empty onSearch={onSearch} />
      ) : (
        <ConversationList conversations={sections.shown} me={me} openId={openId} onNearEnd={more} />
      )}
    </>
  );
}

function Loading() {
  return (
    <div role="status" className="flex-1 overflow-hidden pt-1">
      <span className="sr-only">{t.loading}</span>
      {['w-28', 'w-36', 'w-24', 'w-32', 'w-40', 'w-28', 'w-32'].map((width, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: seven shapes that never change.
        <div key={index} className="flex h-15 items-center gap-3 px-4">
          <Skeleton className="size-11 shrink-0 rounded-full" />
          <div className="flex flex-1 flex-col gap-2.5">
            <Skeleton className={`h-3 ${width}`} />
            <Skeleton className="h-2.5 w-full max-w-48" />
          </div>
        </div>
      ))}
    </div>
  );
}

function Failed({ onRetry }: { onRetry: () => void }) {
  return (
    <div role="alert" className="flex flex-1 flex-col items-center justify-center gap-4 px-8 text-center">
      <p className="text-md text-muted">{t.loadFailed}</p>
      <Button variant="secondary" onClick={onRetry}>
        {messages.conversation.retry}
      </Button>
    </div>
  );
}

function Empty({ onSearch }: { onSearch: () => void }) {
  return (
    <div className="flex flex-1 flex-col items-center justify-center px-8 pb-16 text-center">
      {/* Beside the welcome of the wide layout one line is enough. */}
      <span className="flex size-16 wide:hidden items-center justify-center rounded-full bg-accent-soft text-accent">
        <MessageCircle aria-hidden="true" className="size-7" />
      </span>
      <h2 className="mt-4 font-semibold text-base wide:font-normal wide:text-md wide:text-muted">
        {t.emptyTitle}
      </h2>
      <p className="mt-1 mb-5 text-md text-muted wide:hidden">{t.emptyText}</p>
      <Button onClick={onSearch} className="wide:hidden">
        {t.emptyAction}
      </Button>
    </div>
  );
}
