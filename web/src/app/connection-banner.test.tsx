import { act, cleanup, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { reportSocket } from '@/lib/connection';
import { messages } from '@/lib/messages';
import { ConnectionBanner } from './connection-banner';

const t = messages.connection;

beforeEach(() => {
  vi.useFakeTimers();
  reportSocket('online');
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

it('says nothing of short gaps, and everything of long ones', () => {
  render(<ConnectionBanner />);
  expect(screen.getByRole('status').textContent).toBe('');

  act(() => reportSocket('waiting'));
  act(() => vi.advanceTimersByTime(1_900));
  expect(screen.getByRole('status').textContent).toBe('');
  act(() => vi.advanceTimersByTime(200));
  expect(screen.getByText(t.connecting)).toBeTruthy();

  act(() => reportSocket('online'));
  expect(screen.getByRole('status').textContent).toBe('');
});

it('measures from the moment the connection went, through every state between', () => {
  render(<ConnectionBanner />);
  act(() => reportSocket('waiting'));
  act(() => vi.advanceTimersByTime(1_500));
  act(() => reportSocket('opening'));
  act(() => vi.advanceTimersByTime(600));
  expect(screen.getByText(t.updating)).toBeTruthy();
});
