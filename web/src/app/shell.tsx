import { useCallback, useState } from 'react';
import { useLocation } from 'wouter';
import { cameFrom, paths } from '@/components/paths';
import { cn } from '@/components/ui';
import { Switcher } from '@/features/people';
import { Sidebar } from '@/features/sidebar';
import type { SessionUser } from '@/lib/api';
import { messages } from '@/lib/messages';
import { AdminPane } from './admin-pane';
import { AnnouncementBanner } from './announcement-banner';
import { ConnectionBanner } from './connection-banner';
import { ConversationPane } from './conversation-pane';
import { EmptyPane } from './empty-pane';
import { keyNames } from './key-names';
import { focusComposer } from './regions';
import { SettingsPane } from './settings-pane';
import { ShortcutHelp } from './shortcut-help';
import { leavingOverlay, useBackCloses } from './use-back-closes';
import { useNeighbours } from './use-neighbours';
import { useShortcuts } from './use-shortcuts';
import { useSignOut } from './use-sign-out';
import { useTabBadge } from './use-tab-badge';

type Props = {
  user: SessionUser;
  openId: string | undefined;
  /** The settings are open, at this tab. */
  settings?: { tab?: string | undefined };
  /** The administration is open, at this page. */
  admin?: { tab?: string | undefined; id?: string | undefined };
};

/** The signed-in interface: list and conversation side by side, or one at a time on phones. */
export function Shell({ user, openId, settings, admin }: Props) {
  const [, navigate] = useLocation();
  const [searching, setSearching] = useState(false);
  const [helping, setHelping] = useState(false);
  const signOut = useSignOut();
  const paneOpen = Boolean(openId || settings || admin);
  const neighbour = useNeighbours(openId);
  useTabBadge();
  useBackCloses(searching, () => setSearching(false));

  const show = useCallback(
    (id: string) => navigate(paths.toConversation(id), { state: cameFrom(openId), ...leavingOverlay() }),
    [navigate, openId],
  );
  const showSettings = useCallback(
    () => navigate(paths.toSettings(), { state: cameFrom(openId) }),
    [navigate, openId],
  );
  const showAdmin = useCallback(
    () => navigate(paths.toAdmin(), { state: cameFrom(openId) }),
    [navigate, openId],
  );
  const search = useCallback(() => setSearching(true), []);
  const help = useCallback(() => setHelping(true), []);

  useShortcuts({
    search: () => setSearching((open) => !open),
    help,
    step: (by) => {
      const id = neighbour(by);
      if (id) show(id);
    },
  });

  return (
    <div className="flex h-full flex-col">
      {openId ? <SkipLink /> : null}
      <ConnectionBanner />
      <AnnouncementBanner />
      <div className="relative flex min-h-0 flex-1">
        <div
          // On phones the list stays mounted under the conversation and keeps its place.
          className={cn(
            'h-full w-(--sidebar-width) shrink-0 border-line border-r phone:absolute phone:inset-0 phone:w-full phone:border-0',
            paneOpen && 'phone:invisible',
          )}
        >
          <Sidebar
            user={user}
            openId={openId}
            searchKeys={keyNames.search.join(' ')}
            onSearch={search}
            onShowSettings={showSettings}
            onShowAdmin={user.role === 'user' ? undefined : showAdmin}
            onShowShortcuts={help}
            onSignOut={signOut.ask}
          />
        </div>
        <main
          aria-label={
            settings ? messages.settings.title : admin ? messages.admin.title : messages.layout.main
          }
          className={cn('relative h-full min-w-0 flex-1 bg-canvas', !paneOpen && 'phone:hidden')}
        >
          {settings ? (
            <SettingsPane tab={settings.tab} />
          ) : admin ? (
            <AdminPane role={user.role} {...admin} />
          ) : openId ? (
            <ConversationPane key={openId} id={openId} me={user.id} />
          ) : (
            <EmptyPane user={user} onSearch={search} />
          )}
        </main>
      </div>
      <Switcher open={searching} onOpenChange={setSearching} me={user} onOpen={show} />
      <ShortcutHelp open={helping} onOpenChange={setHelping} />
      {signOut.dialog}
    </div>
  );
}

function SkipLink() {
  return (
    <button
      type="button"
      onClick={focusComposer}
      className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-accent focus:px-4 focus:py-2 focus:text-on-accent"
    >
      {messages.layout.skip}
    </button>
  );
}
