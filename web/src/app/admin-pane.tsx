import { useLocation } from 'wouter';
import { cameFromList, paths } from '@/components/paths';
import { type PageTab, TabbedPage } from '@/components/tabbed-page';
import { InvitationsPanel, OverviewPanel, PeoplePanel, PersonPanel, SettingsPanel } from '@/features/admin';
import { MessageSearchPage, ReportsPage } from '@/features/moderation';
import type { SessionUser } from '@/lib/api';
import { messages } from '@/lib/messages';

const t = messages.admin;

type Role = SessionUser['role'];
/** Where one is, and how to go elsewhere. */
type At = { role: Role; id: string | undefined; open: (tab: string, id?: string) => void };
type AdminTab = Omit<PageTab, 'panel'> & { moderator?: true; panel: (at: At) => PageTab['panel'] };

/** Every page of the administration, in the order of the tabs: a new one is a line here. */
const tabs: readonly AdminTab[] = [
  { id: 'people', label: t.people, moderator: true, panel: (at) => <People {...at} /> },
  { id: 'reports', label: messages.moderation.reports, moderator: true, panel: () => <ReportsPage /> },
  { id: 'messages', label: messages.moderation.search, panel: () => <MessageSearchPage /> },
  { id: 'invitations', label: t.invitations, panel: () => <InvitationsPanel /> },
  { id: 'settings', label: t.settings, panel: () => <SettingsPanel /> },
  { id: 'overview', label: t.overview, panel: () => <OverviewPanel /> },
];

function tabsOf(role: Role): readonly AdminTab[] {
  if (role === 'admin') return tabs;
  return role === 'moderator' ? tabs.filter(({ moderator }) => moderator) : [];
}

/** Whether there is such a page for people with this role; the address without one is the first. */
export function isAdminTab(role: Role, tab: string | undefined): boolean {
  const mine = tabsOf(role);
  return mine.length > 0 && (tab === undefined || mine.some(({ id }) => id === tab));
}

type Props = { role: Role; tab?: string | undefined; id?: string | undefined };

/** The administration, beside the list or, on a phone, instead of it. */
export function AdminPane({ role, tab = 'people', id }: Props) {
  const [, navigate] = useLocation();
  // In the place of the page before, so that "back" leaves the administration.
  const open = (to: string, about?: string) =>
    navigate(paths.toAdmin(to, about), { replace: true, state: history.state });
  return (
    <TabbedPage
      wide
      title={t.title}
      backLabel={t.back}
      tabsLabel={t.tabs}
      tabs={tabsOf(role).map(({ panel, ...rest }) => ({ ...rest, panel: panel({ role, id, open }) }))}
      tab={tab}
      onTab={open}
      onBack={() => (cameFromList() ? history.back() : navigate(paths.home, { replace: true }))}
    />
  );
}

function People({ role, id, open }: At) {
  const admin = role === 'admin';
  if (id) return <PersonPanel id={id} admin={admin} onBack={() => open('people')} />;
  return <PeoplePanel admin={admin} onOpen={(person) => open('people', person)} />;
}
