import { Check } from 'lucide-react';
import { DropdownMenu as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { cn } from './cn';

const row =
  'flex h-10 touch:h-11 select-none items-center gap-3 rounded-md px-2.5 text-md outline-none data-highlighted:bg-hover';

/** A menu that opens under its trigger, inside the same landmark (no portal). Arrow keys, type-ahead, Esc and focus return are Radix's. */
export function Menu({
  trigger,
  label,
  children,
}: {
  trigger: ReactNode;
  label: string;
  children: ReactNode;
}) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Content
        align="start"
        sideOffset={6}
        collisionPadding={8}
        aria-label={label}
        className="z-50 min-w-60 max-w-80 origin-(--radix-dropdown-menu-content-transform-origin) animate-pop rounded-lg bg-overlay p-1.5 text-ink shadow-overlay"
      >
        {children}
      </Radix.Content>
    </Radix.Root>
  );
}

export type MenuItemProps = {
  icon?: ReactNode;
  /** A keyboard shortcut shown at the end of the row. */
  shortcut?: string;
  danger?: boolean;
  className?: string;
  onSelect: () => void;
  children: ReactNode;
};

/** One action of a menu. */
export function MenuItem({ icon, shortcut, danger, className, onSelect, children }: MenuItemProps) {
  return (
    <Radix.Item onSelect={onSelect} className={cn(row, 'cursor-pointer', danger && 'text-danger', className)}>
      <span aria-hidden="true" className={cn('inline-flex w-5 justify-center', !danger && 'text-muted')}>
        {icon}
      </span>
      <span className="flex-1 truncate">{children}</span>
      {shortcut ? <kbd className="font-sans text-muted text-xs">{shortcut}</kbd> : null}
    </Radix.Item>
  );
}

export type MenuChoiceProps<T extends string> = {
  label: string;
  value: T;
  options: { value: T; label: string; icon: ReactNode }[];
  onChange: (value: T) => void;
};

/** A group of which one is chosen; the menu stays open so that the effect can be seen. */
export function MenuChoice<T extends string>({ label, value, options, onChange }: MenuChoiceProps<T>) {
  return (
    <Radix.RadioGroup value={value} aria-label={label}>
      <Radix.Label className="px-2.5 pt-2 pb-1 font-medium text-muted text-xs">{label}</Radix.Label>
      {options.map((option) => (
        <Radix.RadioItem
          key={option.value}
          value={option.value}
          onSelect={(event) => {
            event.preventDefault();
            onChange(option.value);
          }}
          className={cn(row, 'cursor-pointer')}
        >
          <span aria-hidden="true" className="inline-flex w-5 justify-center text-muted">
            {option.icon}
          </span>
          <span className="flex-1">{option.label}</span>
          <Radix.ItemIndicator>
            <Check className="size-4 text-accent" />
          </Radix.ItemIndicator>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

/** A hairline between groups. */
export function MenuSeparator() {
  return <Radix.Separator className="mx-2.5 my-1.5 h-px bg-line" />;
}
