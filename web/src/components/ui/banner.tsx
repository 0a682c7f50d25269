import type { ReactNode } from 'react';
import { cn } from './cn';

const tones = {
  info: 'bg-raised text-ink',
  warn: 'bg-warn-soft text-warn',
  danger: 'bg-danger-soft text-danger',
};

export type BannerProps = {
  tone?: keyof typeof tones;
  icon?: ReactNode;
  action?: ReactNode;
  /** alert interrupts a screen reader, status waits. */
  role?: 'alert' | 'status';
  className?: string;
  children: ReactNode;
};

/** A line about the state of things, with at most one action. */
export function Banner({ tone = 'info', icon, action, role = 'status', className, children }: BannerProps) {
  return (
    <div
      role={role}
      className={cn('flex min-h-10 items-center gap-2.5 px-4 py-2 text-sm', tones[tone], className)}
    >
      {icon}
      <span className="min-w-0 flex-1">{children}</span>
      {action}
    </div>
  );
}
