import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';

const t = messages.admin;
const HEIGHT = 96;
const STEP = 20;

type Props<Day> = { title: string; days: readonly Day[]; value: (day: Day) => number };

/** A bar for each day; screen readers get the same as a table. */
export function DayChart<Day extends { date: string }>({ title, days, value }: Props<Day>) {
  const most = Math.max(1, ...days.map(value));
  const format = useFormat();
  const total = days.reduce((sum, day) => sum + value(day), 0);
  const first = days[0]?.date;
  const last = days.at(-1)?.date;
  return (
    <figure className="relative flex flex-col gap-2">
      <figcaption className="font-semibold text-base">{t.chart(title, total)}</figcaption>
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${days.length * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-24 w-full border-line border-b"
      >
        {days.map((day, at) => {
          const height = (value(day) / most) * (HEIGHT - 4);
          return (
            <rect
              key={day.date}
              x={at * STEP + 3}
              y={HEIGHT - height}
              width={STEP - 6}
              height={height}
              className="fill-accent"
            >
              <title>{`${format.date(day.date)}: ${format.number(value(day))}`}</title>
            </rect>
          );
        })}
      </svg>
      <div aria-hidden="true" className="flex justify-between text-muted text-xs">
        <span>{first ? format.date(first) : null}</span>
        <span>{last ? format.date(last) : null}</span>
      </div>
      <div className="sr-only">
        <table>
          <caption>{title}</caption>
          <thead>
            <tr>
              <th scope="col">{t.day}</th>
              <th scope="col">{t.count}</th>
            </tr>
          </thead>
          <tbody>
            {days.map((day) => (
              <tr key={day.date}>
                <th scope="row">{format.date(day.date)}</th>
                <td>{format.number(value(day))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
