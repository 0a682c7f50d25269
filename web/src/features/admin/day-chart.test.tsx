import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { DayChart } from './day-chart';

afterEach(cleanup);

it('shows a bar for each day and says the same in a table', () => {
  const days = [
    { date: '2026-11-24', sign_ups: 0, sign_ins: 3 },
    { date: '2026-11-25', sign_ups: 4, sign_ins: 1 },
  ];
  const { container } = render(<DayChart title="Sign-ins" days={days} value={(day) => day.sign_ins} />);
  const heights = [...container.querySelectorAll('rect')].map((bar) => Number(bar.getAttribute('height')));
  expect(heights[0]).toBeCloseTo(3 * (heights[1] ?? 0));
  expect(screen.getByText('Sign-ins: 4 in 30 days')).toBeDefined();
  expect(screen.getByRole('row', { name: 'Nov 24, 2026 3' })).toBeDefined();
});

it('has no bars where nothing happened', () => {
  const { container } = render(
    <DayChart title="x" days={[{ date: '2026-11-25', sign_ups: 0, sign_ins: 0 }]} value={() => 0} />,
  );
  expect(container.querySelector('rect')?.getAttribute('height')).toBe('0');
});
