import { Switch as Root } from 'radix-ui';
import { type ReactNode, useId } from 'react';
import { cn } from './cn';

export type SwitchProps = {
  label: string;
  /** A line under the label, read out with it. */
  hint?: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
};

/** A setting that is on or off, and takes effect at once. */
export function Switch({ label, hint, checked, onChange, disabled }: SwitchProps) {
  const id = useId();
  return (
    <div className="flex items-start gap-4">
      <div className="min-w-0 flex-1">
        <label htmlFor={id} className="block font-medium text-base text-ink">
          {label}
        </label>
        {hint ? (
          <p id={`${id}-hint`} className="mt-0.5 text-muted text-sm">
            {hint}
          </p>
        ) : null}
      </div>
      <Root.Root
        id={id}
        checked={checked}
        onCheckedChange={onChange}
        disabled={disabled}
        aria-describedby={hint ? `${id}-hint` : undefined}
        className={cn(
          'touch-target relative mt-0.5 h-6 w-11 shrink-0 rounded-full border border-edge bg-raised transition-colors',
          'data-[state=checked]:border-accent data-[state=checked]:bg-accent',
        )}
      >
        <Root.Thumb className="block size-4.5 translate-x-0.5 rounded-full bg-muted transition-transform data-[state=checked]:translate-x-5.5 data-[state=checked]:bg-on-accent" />
      </Root.Root>
    </div>
  );
}
