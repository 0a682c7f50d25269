import { type ComponentProps, type ReactNode, useId } from 'react';
import { cn } from './cn';

export type InputProps = Omit<ComponentProps<'input'>, 'id'> & {
  label: string;
  /** A line under the field, read out with it. */
  hint?: ReactNode;
  /** What is wrong; replaces the hint and marks the field invalid. */
  error?: ReactNode;
  /** A control inside the field at its end, for example show password. */
  trailing?: ReactNode;
};

/** A labelled text field with a hint or an error under it. */
export function Input({ label, hint, error, trailing, className, ...rest }: InputProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block font-medium text-ink text-sm">
        {label}
      </label>
      <div className="relative">
        <input
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          className={cn(
            'h-11 w-full rounded-lg border bg-surface px-3 text-base text-ink transition-colors touch:text-touch',
            'placeholder:text-muted focus-visible:border-accent focus-visible:outline-1 focus-visible:outline-offset-0',
            error ? 'border-danger focus-visible:border-danger focus-visible:outline-danger' : 'border-edge',
            trailing ? 'pr-12' : null,
          )}
          {...rest}
        />
        {trailing ? <div className="absolute inset-y-0 right-1 flex items-center">{trailing}</div> : null}
      </div>
      {note ? (
        <p
          id={`${id}-note`}
          className={cn('mt-1.5 flex items-start gap-1.5 text-sm', error ? 'text-danger' : 'text-muted')}
        >
          {note}
        </p>
      ) : null}
    </div>
  );
}
