import { ArrowLeft } from 'lucide-react';
import { Tabs } from 'radix-ui';
import { type ReactNode, useId, useLayoutEffect, useRef } from 'react';
import { cn, IconButton } from '@/components/ui';

/** One page; `id` is its part of the address. */
export type PageTab = { id: string; label: string; panel: ReactNode };

export type TabbedPageProps = {
  title: string;
  backLabel: string;
  tabsLabel: string;
  tabs: readonly PageTab[];
  /** The id of the tab that is on screen. */
  tab: string;
  onTab: (id: string) => void;
  onBack: () => void;
  /** Panels may be as wide as a list with several columns. */
  wide?: boolean;
};

const trigger =
  'touch-target h-10 shrink-0 border-transparent border-b-2 px-1 font-medium text-md text-muted transition-colors ' +
  'hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink';

/** A header, tabs, and the panel of the one that is open. */
export function TabbedPage({ title, backLabel, tabsLabel, tabs, tab, onTab, onBack, wide }: TabbedPageProps) {
  const id = useId();
  const strip = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: again for each tab.
  useLayoutEffect(() => {
    // On a phone the strip is wider than the screen.
    const open = strip.current?.querySelector('[data-state=active]');
    open?.scrollIntoView({ inline: 'center', block: 'nearest' });
  }, [tab]);
  return (
    <section aria-labelledby={id} className="flex h-full flex-col bg-surface">
      <header className="bar flex shrink-0 items-center gap-3 px-4 phone:gap-2 phone:px-1.5">
        <IconButton label={backLabel} onClick={onBack}>
          <ArrowLeft aria-hidden="true" size={22} />
        </IconButton>
        <h1 id={id} className="font-semibold text-base">
          {title}
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
          ref={strip}
          aria-label={tabsLabel}
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
            <div className={cn(wide ? 'max-w-3xl' : 'max-w-xl')}>{panel}</div>
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </section>
  );
}
