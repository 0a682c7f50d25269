import { CircleAlert } from 'lucide-react';

/** What went wrong with the whole form; read out at once. */
export function FormError({ text }: { text?: string }) {
  return (
    <div role="alert" className="empty:hidden">
      {text ? (
        <p className="flex animate-fade items-start gap-2 rounded-lg bg-danger-soft px-3 py-2.5 text-danger text-md">
          <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          {text}
        </p>
      ) : null}
    </div>
  );
}
