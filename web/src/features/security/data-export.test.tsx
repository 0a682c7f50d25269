import { QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DataExport as File } from '@/lib/api';
import { messages } from '@/lib/messages';
import { queryClient } from '@/lib/query-client';
import { adopt } from '@/lib/token';
import { DataExport } from './data-export';

const t = messages.dataExport;

const waiting: File = {
  id: 'e1',
  state: 'waiting',
  done: 0,
  total: 0,
  size: 0,
  created_at: '2026-11-26T10:00:00Z',
};
const ready: File = {
  ...waiting,
  state: 'ready',
  done: 2000,
  total: 2000,
  size: 3_440_000,
  ready_at: '2026-11-26T10:00:05Z',
  expires_at: '2026-11-29T10:00:05Z',
};

const calls: { method: string; url: string; token: string | null }[] = [];
let file: File | null = null;
let refused: { status: number; slug: string; detail: string } | undefined;

async function server(request: Request): Promise<Response> {
  calls.push({ method: request.method, url: request.url, token: request.headers.get('Authorization') });
  const answer = (body: object, status = 200) =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'Content-Type': status < 300 ? 'application/json' : 'application/problem+json' },
    });
  if (refused && (request.method === 'POST' || request.url.endsWith('/file')))
    return answer({ type: `/problems/${refused.slug}`, ...refused }, refused.status);
  if (request.url.endsWith('/file'))
    return new Response('PK', { headers: { 'Content-Type': 'application/zip' } });
  if (request.method === 'DELETE') {
    file = null;
    return new Response(null, { status: 204 });
  }
  if (request.method === 'POST') {
    file = waiting;
    return answer(file, 202);
  }
  return answer({ export: file });
}

const show = () =>
  render(
    <QueryClientProvider client={queryClient}>
      <DataExport />
    </QueryClientProvider>,
  );
const press = async (name: string) => fireEvent.click(await screen.findByRole('button', { name }));
const asked = () => calls.filter(({ method }) => method === 'GET').length;

beforeEach(() => {
  calls.length = 0;
  file = null;
  refused = undefined;
  vi.stubGlobal('fetch', server);
  const user = { id: 'me', username: 'me', display_name: 'My Self', role: 'user' as const };
  adopt({ access_token: 'token', token_type: 'Bearer', enrol: false, expires_in: 600, user });
});
afterEach(() => {
  cleanup();
  queryClient.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('download my data', () => {
  it('asks for the file, shows how far it is, every two seconds until it is ready', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    show();
    await press(t.ask);
    expect(await screen.findByText(t.waiting)).toBeTruthy();
    expect(screen.getByRole('progressbar').getAttribute('value')).toBeNull();
    expect(screen.queryByRole('button', { name: t.ask })).toBeNull();

    file = { ...waiting, state: 'running', done: 500, total: 2000 };
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await screen.findByText(/500 of 2.?000 messages/)).toBeTruthy();
    expect(screen.getByRole('progressbar').getAttribute('value')).toBe('500');
    expect(screen.getByRole('progressbar').getAttribute('max')).toBe('2000');

    file = ready;
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await screen.findByText(/^Your file is ready/)).textContent).toContain('3.4 MB');
    const before = asked();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked()).toBe(before);
  });

  it('does not ask while nobody sees the tab', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    file = waiting;
    show();
    expect(await screen.findByText(t.waiting)).toBeTruthy();
    const hidden = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    document.dispatchEvent(new Event('visibilitychange'));
    const before = asked();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked()).toBe(before);
    hidden.mockReturnValue('visible');
    document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(2_100);
    expect(asked()).toBeGreaterThan(before);
  });

  it('downloads with the token in a header and in no address', async () => {
    file = ready;
    const made = vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:x');
    const clicked: HTMLAnchorElement[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      clicked.push(this);
    });
    show();
    await press(t.download);
    expect(await screen.findByText(t.downloaded)).toBeTruthy();
    const fetched = calls.find(({ url }) => url.endsWith('/api/v1/data-exports/e1/file'));
    expect(fetched?.token).toBe('Bearer token');
    expect(calls.every(({ url }) => !url.includes('token'))).toBe(true);
    expect(clicked.map((one) => [one.href, one.download])).toEqual([['blob:x', 'chatapp-data.zip']]);
    const [[blob] = []] = made.mock.calls;
    expect(await new Response(blob as Blob).text()).toBe('PK');
  });

  it('says why there is no file', async () => {
    file = { ...waiting, state: 'failed', reason: 'account-unavailable' };
    show();
    const text = t.failed['account-unavailable'] ?? '';
    expect(await screen.findByText(text)).toBeTruthy();
    refused = {
      status: 429,
      slug: 'rate-limited',
      detail: 'That were 5 downloads of your data within a day.',
    };
    await press(t.again);
    expect(await screen.findByText(refused.detail)).toBeTruthy();
    expect(screen.getByText(text)).toBeTruthy();
  });

  it('shows that the file has expired meanwhile', async () => {
    file = ready;
    show();
    await screen.findByRole('button', { name: t.download });
    file = null;
    refused = { status: 404, slug: 'not-found', detail: 'There is no such file.' };
    await press(t.download);
    expect(await screen.findByText(refused.detail)).toBeTruthy();
    await waitFor(() => expect(screen.queryByRole('button', { name: t.download })).toBeNull());
    expect(screen.getByRole('button', { name: t.ask })).toBeTruthy();
  });

  it('can be stopped, and the file be deleted', async () => {
    file = waiting;
    show();
    await press(t.cancel);
    expect(await screen.findByRole('button', { name: t.ask })).toBeTruthy();
    expect(calls.some(({ method, url }) => method === 'DELETE' && url.endsWith('/data-exports/e1'))).toBe(
      true,
    );
    cleanup();
    queryClient.clear();
    file = ready;
    show();
    await press(t.remove);
    expect(await screen.findByRole('button', { name: t.ask })).toBeTruthy();
  });
});
