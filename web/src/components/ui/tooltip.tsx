import { Tooltip as Radix } from 'radix-ui';
import type { ReactNode } from 'react';

/** Must stand once around everything that uses Tooltip. */
export function TooltipProvider({ children }: { children: ReactNode }) {
  return (
    <Radix.Provider delayDuration={500} skipDelayDuration={200}>
      {children}
    </Radix.Provider>
  );
}

/** A short explanation on hover and focus. The trigger needs a name of its own all the same. */
export function Tooltip({
  text,
  shortcut,
  children,
}: {
  text: string;
  shortcut?: string;
  children: ReactNode;
}) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          sideOffset={6}
          collisionPadding={8}
          className="z-50 flex animate-fade items-center gap-2 rounded-md bg-ink px-2.5 py-1.5 text-surface text-xs"
        >
          {text}
          {shortcut ? <kbd className="font-sans opacity-80">{shortcut}</kbd> : null}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
