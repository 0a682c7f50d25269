import { useFormat } from '@/lib/format';

type Props = {
  at: string;
  as: 'clock' | 'list' | 'day' | 'full';
  className?: string;
};

/** An instant as this person writes it; the full date and time is its tooltip. */
export function When({ at, as, className }: Props) {
  const format = useFormat();
  return (
    // It may be of another language and direction than the English around it.
    <time
      dateTime={at}
      title={as === 'day' ? undefined : format.full(at)}
      lang={format.lang}
      dir="auto"
      className={className}
    >
      {format[as](at)}
    </time>
  );
}
