import type { ComponentProps } from 'react';
import { cn } from './cn';

const variants = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong active:bg-accent-strong',
  secondary: 'bg-raised text-ink hover:bg-line active:bg-line',
  ghost: 'text-accent hover:bg-raised active:bg-raised',
  danger: 'bg-danger-soft text-danger hover:brightness-95',
};

const sizes = {
  sm: 'h-8 px-3 text-sm rounded-md',
  md: 'h-10 px-4 text-md rounded-md',
  lg: 'h-11 px-5 text-base rounded-lg',
};

export type ButtonProps = ComponentProps<'button'> & {
  variant?: keyof typeof variants;
  size?: keyof typeof sizes;
  /** Shows that work is under way; the button keeps its width and its focus, and does nothing. */
  busy?: boolean;
};

/** A button with a text. For a button that is only a picture use IconButton. */
export function Button({
  variant = 'primary',
  size = 'md',
  busy,
  className,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      className={cn(
        'touch-target inline-flex shrink-0 select-none items-center justify-center gap-2 font-semibold transition-colors',
        'disabled:cursor-not-allowed disabled:bg-raised disabled:text-muted',
        variants[variant],
        sizes[size],
        className,
      )}
      {...rest}
    >
      {busy ? <Dots /> : null}
      <span className={cn('inline-flex items-center gap-2', busy && 'sr-only')}>{children}</span>
    </button>
  );
}

/** Three dots that breathe: work under way. */
function Dots() {
  return (
    <span aria-hidden="true" className="inline-flex gap-1">
      {['delay-0', '[animation-delay:160ms]', '[animation-delay:320ms]'].map((delay) => (
        <span key={delay} className={cn('size-1.5 animate-shimmer rounded-full bg-current', delay)} />
      ))}
    </span>
  );
}

export type IconButtonProps = Omit<ComponentProps<'button'>, 'aria-label'> & {
  /** What the button does: its name for screen readers. */
  label: string;
};

/** A round 40 px button that shows a picture; 44 px for fingers. */
export function IconButton({ label, className, children, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      className={cn(
        'touch-target inline-flex size-10 shrink-0 items-center justify-center rounded-full text-muted transition-colors',
        'hover:bg-raised hover:text-ink active:bg-raised aria-expanded:bg-raised aria-expanded:text-ink',
        'disabled:cursor-not-allowed disabled:opacity-50',
        className,
      )}
      {...rest}
    >
      {children}
    </button>
  );
}
