import { useLocation } from 'wouter';
import { cameFromList, paths } from '@/components/paths';
import { ActivityPanel, DevicesPanel, SecurityPanel, TwoStepPanel } from '@/features/security';
import {
  BlockedPanel,
  ContactPanel,
  PrivacyPanel,
  ProfilePanel,
  SettingsPage,
  type SettingsTab,
} from '@/features/settings';
import { messages } from '@/lib/messages';

const t = messages.settings;

/** Every page of the settings, in the order of the tabs: a new one is a line here. */
const tabs: readonly SettingsTab[] = [
  { id: 'profile', label: t.profile, panel: <ProfilePanel /> },
  { id: 'privacy', label: messages.privacy.title, panel: <PrivacyPanel /> },
  { id: 'security', label: t.security, panel: <SecurityPanel /> },
  { id: 'two-step', label: messages.twoStep.tab, panel: <TwoStepPanel /> },
  { id: 'devices', label: t.devices, panel: <DevicesPanel /> },
  { id: 'contact', label: messages.requests.tab, panel: <ContactPanel /> },
  { id: 'activity', label: messages.activity.tab, panel: <ActivityPanel /> },
  { id: 'blocked', label: t.blocked, panel: <BlockedPanel /> },
];

/** Whether there is such a page; the address without one is the first. */
export function isSettingsTab(tab: string | undefined): boolean {
  return tab === undefined || tabs.some(({ id }) => id === tab);
}

/** The settings, beside the list or, on a phone, instead of it. */
export function SettingsPane({ tab = 'profile' }: { tab: string | undefined }) {
  const [, navigate] = useLocation();
  return (
    <SettingsPage
      tabs={tabs}
      tab={tab}
      // In the place of the tab before, so that "back" leaves the settings.
      onTab={(id) => navigate(paths.toSettings(id), { replace: true, state: history.state })}
      onBack={() => (cameFromList() ? history.back() : navigate(paths.home, { replace: true }))}
    />
  );
}
