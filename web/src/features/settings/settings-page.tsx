import { ArrowLeft } from 'lucide-react';
import { Tabs } from 'radix-ui';
import type { ReactNode } from 'react';
import { IconButton } from '@/components/ui';
import { messages } from '@/lib/messages';

const t = messages.settings;

/** One page of the settings; `id` is its last part of the address. */
export type SettingsTab = { id: string; label: string; panel: ReactNode };

type Props = {
  tabs: readonly SettingsTab[];
  /** The id of the tab that is on screen. */
  tab: string;
  onTab: (id: string) => void;
  onBack: () => void;
};

const trigger =
  'touch-target h-10 shrink-0 border-transparent border-b-2 px-1 font-medium text-md text-muted transition-colors ' +
  'hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink';

/** The frame of the settings: a header, tabs, and the panel of the one that is open. */
export function SettingsPage({ tabs, tab, onTab, onBack }: Props) {
  return (
    <section aria-labelledby="settings-title" className="flex h-full flex-col bg-surface">
      <header className="bar flex shrink-0 items-center gap-3 px-4 phone:gap-2 phone:px-1.5">
        <IconButton label={t.back} onClick={onBack}>
          <ArrowLeft aria-hidden="true" size={22} />
        </IconButton>
        <h1 id="settings-title" className="font-semibold text-base">
          {t.title}
        </h1>
      </header>
      {/* Manual: arrow keys move between the tabs without loading each one on the way. */}
      <Tabs.Root
        value={tab}
        onValueChange={onTab}
        activationMode="manual"
        className="flex min-h-0 flex-1 flex-col"
      >
        <Tabs.List
          aria-label={t.tabs}
          className="flex shrink-0 gap-5 overflow-x-auto border-line border-b px-5"
        >
          {tabs.map(({ id, label }) => (
            <Tabs.Trigger key={id} value={id} className={trigger}>
              {label}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {tabs.map(({ id, panel }) => (
          <Tabs.Content key={id} value={id} className="min-h-0 flex-1 overflow-y-auto px-5 py-6">
            <div className="max-w-xl">{panel}</div>
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </section>
  );
}
