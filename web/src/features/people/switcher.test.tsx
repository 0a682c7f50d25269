import { QueryClientProvider } from '@tanstack/react-query';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { messages } from '@/lib/messages';
import { queryClient } from '@/lib/query-client';
import { adopt } from '@/lib/token';
import { Switcher } from './switcher';

const me = { id: 'me', username: 'me', display_name: 'My Self', role: 'user' as const };
const people = ['Ada Lovelace', 'Adam Smith', 'Grace Hopper'].map((display_name, index) => ({
  id: `p${index}`,
  username: display_name.split(' ')[0]?.toLowerCase() ?? '',
  display_name,
}));
const conversation = (user_id: string) => ({
  id: `with-${user_id}`,
  kind: user_id === 'me' ? 'self' : 'direct',
  peer: people.find((one) => one.id === user_id) ?? me,
  last_message: null,
  last_seq: 0,
  read_seq: 0,
  peer_read_seq: 0,
  blocked: false,
  request: 'none',
  unread: 0,
  created_at: '2026-11-23T10:00:00Z',
});

async function server(request: Request): Promise<Response> {
  const url = new URL(request.url);
  let body: unknown = {};
  if (request.method === 'POST')
    body = conversation((JSON.parse(await request.text()) as { user_id: string }).user_id);
  else if (url.pathname === '/api/v1/conversations') body = { items: [], next_cursor: null, cursor: 'a-1' };
  else if (url.pathname === '/api/v1/users') {
    const query = url.searchParams.get('query') ?? '';
    body = { items: people.filter((one) => one.username.startsWith(query)), next_cursor: null };
  }
  return new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
}

const onOpen = vi.fn();
const field = () => screen.getByRole('combobox');
const search = (value: string) => fireEvent.change(field(), { target: { value } });
const active = () =>
  document.getElementById(field().getAttribute('aria-activedescendant') ?? '')?.textContent;

beforeEach(() => {
  vi.stubGlobal('fetch', server);
  adopt({ access_token: 'token', token_type: 'Bearer', enrol: false, expires_in: 600, user: me });
  onOpen.mockClear();
  render(
    <QueryClientProvider client={queryClient}>
      <Switcher open onOpenChange={() => undefined} me={me} onOpen={onOpen} />
    </QueryClientProvider>,
  );
});
afterEach(() => {
  cleanup();
  queryClient.clear();
  vi.unstubAllGlobals();
});

describe('switcher', () => {
  it('has the focus in its field and everybody below it', async () => {
    expect(document.activeElement).toBe(field());
    await screen.findByRole('option', { name: /Grace Hopper/ });
    expect(screen.getAllByRole('option')).toHaveLength(4);
  });

  it('moves with the arrow keys, round the ends, and opens with Enter', async () => {
    search('ad');
    await screen.findByRole('option', { name: /Adam/ });
    expect(active()).toContain('Ada Lovelace');
    fireEvent.keyDown(field(), { key: 'ArrowUp' });
    expect(active()).toContain('Adam Smith');
    fireEvent.keyDown(field(), { key: 'Enter' });
    await waitFor(() => expect(onOpen).toHaveBeenCalledWith('with-p1'));
  });

  it('Enter before the answer opens what was typed, not what was shown', async () => {
    await screen.findByRole('option', { name: /Grace Hopper/ });
    search('grace');
    fireEvent.keyDown(field(), { key: 'Enter' });
    expect(onOpen).not.toHaveBeenCalled();
    await waitFor(() => expect(onOpen).toHaveBeenCalledWith('with-p2'));
    expect(onOpen).toHaveBeenCalledTimes(1);
  });

  it('leaves the keys of an input method alone', async () => {
    await screen.findByRole('option', { name: /Grace Hopper/ });
    fireEvent.keyDown(field(), { key: 'Enter', isComposing: true });
    expect(onOpen).not.toHaveBeenCalled();
  });

  it('says when there is nobody', async () => {
    search('zzz');
    await screen.findByText(messages.people.none('zzz'));
  });
});
