import { number } from '@/lib/format';
import { cn } from './cn';

/** The text of a badge: the number, or 99+. */
export function badgeText(count: number): string {
  return count > 99 ? `${number(99)}+` : number(count);
}

/** A count in a pill, nothing at zero. The words for screen readers are in `label`. */
export function Badge({ count, label, className }: { count: number; label: string; className?: string }) {
  if (count <= 0) return null;
  return (
    <span
      className={cn(
        'inline-flex h-5 min-w-5 shrink-0 items-center justify-center rounded-full bg-accent px-1.5 font-semibold text-meta text-on-accent tabular-nums',
        className,
      )}
    >
      <span aria-hidden="true">{badgeText(count)}</span>
      <span className="sr-only">{label}</span>
    </span>
  );
}
