import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { IconButton } from './button';
import { cn } from './cn';

export type DialogProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** The name of the close button. */
  closeLabel: string;
  /** Keeps the title for screen readers only: the content has its own heading or search field. */
  hideTitle?: boolean;
  description?: string;
  /** The dialog hangs from the top instead of standing in the middle: for lists that change their height. */
  top?: boolean;
  /** Called before the focus goes back to where it was; preventDefault leaves it to the caller. */
  onCloseAutoFocus?: (event: Event) => void;
  className?: string;
  children: ReactNode;
};

/** A modal dialog: focus moves in and comes back, Esc and a click outside close it. */
export function Dialog({ open, onOpenChange, title, closeLabel, hideTitle, top, ...rest }: DialogProps) {
  const { description, onCloseAutoFocus, className, children } = rest;
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay
          className={cn(
            'fixed inset-0 z-40 flex animate-fade justify-center overflow-y-auto bg-scrim p-4',
            top ? 'items-start pt-[12vh] phone:p-0' : 'items-center',
          )}
        >
          <Radix.Content
            {...(description ? {} : { 'aria-describedby': undefined })}
            onCloseAutoFocus={onCloseAutoFocus}
            // React lets events rise through portals: a form in here is none of the form around it.
            onSubmit={(event) => event.stopPropagation()}
            className={cn(
              'relative w-full max-w-md animate-pop rounded-bubble bg-overlay text-ink shadow-overlay outline-none',
              className,
            )}
          >
            <div className={cn(hideTitle ? 'sr-only' : 'flex h-14 items-center justify-between pr-2 pl-5')}>
              <Radix.Title className="font-semibold text-base">{title}</Radix.Title>
              {hideTitle ? null : (
                <Radix.Close asChild>
                  <IconButton label={closeLabel}>
                    <X className="size-5" />
                  </IconButton>
                </Radix.Close>
              )}
            </div>
            {description ? <Radix.Description className="sr-only">{description}</Radix.Description> : null}
            {children}
          </Radix.Content>
        </Radix.Overlay>
      </Radix.Portal>
    </Radix.Root>
  );
}
