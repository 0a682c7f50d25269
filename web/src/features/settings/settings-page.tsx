import { type PageTab, TabbedPage, type TabbedPageProps } from '@/components/tabbed-page';
import { messages } from '@/lib/messages';

const t = messages.settings;

/** One page of the settings; `id` is its last part of the address. */
export type SettingsTab = PageTab;

type Props = Pick<TabbedPageProps, 'tabs' | 'tab' | 'onTab' | 'onBack'>;

/** The frame of the settings. */
export function SettingsPage(props: Props) {
  return <TabbedPage title={t.title} backLabel={t.back} tabsLabel={t.tabs} {...props} />;
}
