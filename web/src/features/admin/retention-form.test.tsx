import { QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { messages } from '@/lib/messages';
import { queryClient } from '@/lib/query-client';
import { adopt } from '@/lib/token';
import { RetentionForm } from './retention-form';

const t = messages.admin;
const me = { id: 'me', username: 'me', display_name: 'My Self', role: 'admin' as const };

type Kept = { days: number; version: number; previous_days: number; takes_effect_at?: string };
let kept: Kept;
const puts: unknown[] = [];
let previews = 0;

async function server(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const answer = (body: object, status = 200) =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'Content-Type': status === 200 ? 'application/json' : 'application/problem+json' },
    });
  if (request.method === 'GET') {
    const days = url.searchParams.get('days');
    if (days) previews++;
    return answer(days ? { ...kept, preview: { messages: 1200, complete: true } } : kept);
  }
  const wish = (await request.json()) as { days: number; version: number };
  puts.push(wish);
  if (wish.version !== kept.version)
    return answer({ type: '/problems/conflict', status: 409, detail: 'Somebody else changed this.' }, 409);
  const less = wish.days > 0 && (kept.days === 0 || wish.days < kept.days);
  kept = {
    days: wish.days,
    version: kept.version + 1,
    previous_days: kept.days,
    ...(less ? { takes_effect_at: '2026-11-26T12:00:00Z' } : {}),
  };
  return answer(kept);
}

beforeEach(() => {
  puts.length = 0;
  previews = 0;
  kept = { days: 0, version: 4, previous_days: 0 };
  vi.stubGlobal('fetch', server);
  adopt({ access_token: 'token', token_type: 'Bearer', enrol: false, expires_in: 600, user: me });
  render(
    <QueryClientProvider client={queryClient}>
      <RetentionForm />
    </QueryClientProvider>,
  );
});
afterEach(() => {
  cleanup();
  queryClient.clear();
  vi.unstubAllGlobals();
});

const choose = async (days: string) => {
  fireEvent.change(await screen.findByLabelText(t.keep), { target: { value: 'days' } });
  fireEvent.change(screen.getByLabelText(t.keepDaysCount), { target: { value: days } });
  fireEvent.click(screen.getByRole('button', { name: t.keepSave }));
};

it('asks before anything is erased, says how much, and can be taken back', async () => {
  await choose('30');
  const dialog = await screen.findByRole('dialog');
  expect(within(dialog).getByText(t.keepAsk(1200, 30, true))).toBeTruthy();
  expect(puts).toEqual([]);
  fireEvent.click(within(dialog).getByRole('button', { name: t.keepAskAction }));
  expect(await screen.findByText(t.keepSaved)).toBeTruthy();
  expect(screen.getByText(/^Messages are kept for 30 days from .* Until then: for ever\.$/)).toBeTruthy();
  fireEvent.click(screen.getByRole('button', { name: t.keepUndo }));
  expect(await screen.findByDisplayValue(t.keepForEver)).toBeTruthy();
  expect(screen.queryByRole('button', { name: t.keepUndo })).toBeNull();
  expect(puts).toEqual([
    { days: 30, version: 4 },
    { days: 0, version: 5 },
  ]);
  expect(previews).toBe(1); // what is confirmed in the dialog does not ask anew
});

it('refuses what is no number of days', async () => {
  for (const days of ['', '0', '3651', '1.5']) {
    await choose(days);
    expect(screen.getByText(t.keepDaysWrong(3650)), days).toBeTruthy();
  }
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(puts).toEqual([]);
});

it('says that somebody else was first, and shows what holds now', async () => {
  await screen.findByLabelText(t.keep);
  kept = { days: 90, version: 9, previous_days: 0 };
  await choose('30');
  fireEvent.click(await screen.findByRole('button', { name: t.keepAskAction }));
  expect(await screen.findByText('Somebody else changed this.')).toBeTruthy();
  expect(await screen.findByDisplayValue('90')).toBeTruthy();
});
