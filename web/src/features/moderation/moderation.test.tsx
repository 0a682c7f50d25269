import { QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { messages } from '@/lib/messages';
import { queryClient } from '@/lib/query-client';
import { adopt } from '@/lib/token';
import { MessageSearchPage, ReportsPage } from '.';

const t = messages.moderation;
const me = { id: 'me', username: 'me', display_name: 'My Self', role: 'admin' as const };
const ada = { id: 'a', username: 'ada', display_name: 'Ada' };
const ben = { id: 'b', username: 'ben', display_name: 'Ben' };

const report = {
  id: 'r1',
  state: 'open',
  person: ada,
  reporter: ben,
  message_id: 'm1',
  body: 'buy pills',
  sent_at: '2026-11-23T10:00:00Z',
  reason: 'spam',
  note: 'Every day.',
  created_at: '2026-11-23T11:00:00Z',
};
const found = {
  id: 'm1',
  conversation_id: 'c',
  from: ada,
  to: ben,
  body: 'the parcel',
  created_at: report.sent_at,
};

const calls: { method: string; url: URL; body: unknown }[] = [];
let open = [report];
let searching = true;
let closes = 200;

async function server(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const text = await request.text();
  calls.push({ method: request.method, url, body: text ? JSON.parse(text) : undefined });
  const answer = (body: object, status = 200) =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'Content-Type': status === 200 ? 'application/json' : 'application/problem+json' },
    });
  if (url.pathname.endsWith('/suspend')) return new Response(null, { status: 204 });
  if (url.pathname.endsWith('/close')) {
    if (closes !== 200)
      return answer({ type: '/problems/unavailable', status: closes, detail: 'Later.' }, closes);
    open = [];
    return answer({ ...report, state: 'closed' });
  }
  if (url.pathname === '/api/v1/moderation/reports') return answer({ items: open, next_cursor: null });
  if (!searching)
    return answer({ type: '/problems/not-found', status: 404, detail: 'There is nothing here.' }, 404);
  const more = url.searchParams.get('cursor');
  return answer({ items: [{ ...found, id: `m-${more}` }], next_cursor: more ? null : 'next' });
}

const show = (page: React.ReactNode) =>
  render(<QueryClientProvider client={queryClient}>{page}</QueryClientProvider>);
const type = (label: string, value: string) =>
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));

beforeEach(() => {
  calls.length = 0;
  open = [report];
  searching = true;
  closes = 200;
  vi.stubGlobal('fetch', server);
  adopt({ access_token: 'token', token_type: 'Bearer', enrol: false, expires_in: 600, user: me });
});
afterEach(() => {
  cleanup();
  queryClient.clear();
  vi.unstubAllGlobals();
});

describe('reports', () => {
  const posts = () => calls.filter((one) => one.method === 'POST');
  const yes = (name: string) =>
    fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name }));

  it('shows what was reported, by whom, and closes it with a note', async () => {
    show(<ReportsPage />);
    expect(await screen.findByText('buy pills')).toBeTruthy();
    expect(screen.getByText(/^About Ada \(@ada\)/)).toBeTruthy();
    expect(screen.getByText(/^Reported by Ben \(@ben\)/)).toBeTruthy();
    type(t.note, ' third time ');
    press(t.dismiss);
    expect(await screen.findByText(t.none)).toBeTruthy();
    expect(posts().map((one) => one.url.pathname)).toEqual(['/api/v1/moderation/reports/r1/close']);
    expect(posts()[0]?.body).toEqual({ decision: 'dismissed', note: 'third time' });
  });

  it('removes the message after a question', async () => {
    show(<ReportsPage />);
    await screen.findByText('buy pills');
    press(t.remove);
    expect(posts()).toEqual([]);
    yes(t.cancel);
    press(t.remove);
    yes(t.remove);
    expect(await screen.findByText(t.none)).toBeTruthy();
    expect(posts().map((one) => one.body)).toEqual([{ decision: 'removed', note: '' }]);
  });

  it('about a person has no message to remove', async () => {
    open = [{ ...report, message_id: '', body: '' }];
    show(<ReportsPage />);
    expect(await screen.findByRole('button', { name: t.suspend })).toBeTruthy();
    expect(screen.queryByRole('button', { name: t.remove })).toBeNull();
  });

  it('suspends first, then closes; when that fails it says so, and goes on', async () => {
    closes = 503;
    show(<ReportsPage />);
    await screen.findByText('buy pills');
    press(t.suspend);
    yes(t.suspend);
    expect(await screen.findByText(t.halfSuspended('Later.'))).toBeTruthy();
    closes = 200;
    press(t.suspend);
    yes(t.suspend);
    expect(await screen.findByText(t.none)).toBeTruthy();
    expect(posts().map((one) => one.url.pathname.split('/').at(-1))).toEqual([
      'suspend',
      'close',
      'suspend',
      'close',
    ]);
    expect(posts()[0]?.body).toEqual({ reason: t.suspendReason });
  });
});

describe('search', () => {
  it('asks nothing without a person or a reason', () => {
    show(<MessageSearchPage />);
    press(t.find);
    expect(screen.getByRole('alert').textContent).toBe(t.person);
    type(t.from, 'ada');
    type(t.reason, 'curious');
    press(t.find);
    expect(screen.getByRole('alert').textContent).toContain(t.reasonHint);
    expect(calls).toEqual([]);
  });

  it('asks once for each press, with the reason, and for more with the same', async () => {
    show(<MessageSearchPage />);
    type(t.from, ' ada ');
    type(t.reason, 'case 4711, the court asks');
    press(t.find);
    expect(await screen.findByText('the parcel')).toBeTruthy();
    expect(calls).toHaveLength(1);
    expect([...(calls[0]?.url.searchParams ?? [])]).toEqual(
      expect.arrayContaining([
        ['from', 'ada'],
        ['reason', 'case 4711, the court asks'],
      ]),
    );
    type(t.reason, 'something else entirely');
    press(t.more);
    await waitFor(() => expect(screen.getAllByRole('listitem')).toHaveLength(2));
    expect(calls[1]?.url.searchParams.get('reason')).toBe('case 4711, the court asks');
    expect(calls[1]?.url.searchParams.get('cursor')).toBe('next');
  });

  it('says that it is switched off', async () => {
    searching = false;
    show(<MessageSearchPage />);
    type(t.to, 'ben');
    type(t.reason, 'case 4711, the court asks');
    press(t.find);
    expect(await screen.findByText(t.off)).toBeTruthy();
  });
});
