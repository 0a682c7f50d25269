import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { closeDrafts, draftNow, openDrafts } from '@/lib/drafts';
import { messages } from '@/lib/messages';
import { Outbox, pendingNow, setOutbox } from '@/lib/outbox';
import { inMemory } from '@/lib/outbox-store';
import { MAX_BODY } from '@/lib/text';
import { Composer } from './composer';
import { sends } from './keys';
import { limitOf } from './limit';

const key = {
  key: 'Enter',
  keyCode: 13,
  shiftKey: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  isComposing: false,
};

describe('Enter', () => {
  it('sends; with Shift it does not', () => {
    expect(sends(key)).toBe(true);
    expect(sends({ ...key, shiftKey: true })).toBe(false);
    expect(sends({ ...key, key: 'a' })).toBe(false);
  });
  it('belongs to the input method while it composes', () => {
    expect(sends({ ...key, isComposing: true })).toBe(false);
    expect(sends({ ...key, keyCode: 229 })).toBe(false);
  });
});

it('the limit is shown from 90 % and blocks above 100 %', () => {
  expect(limitOf('')).toEqual({ sendable: false, left: undefined });
  expect(limitOf(' \n ')).toEqual({ sendable: false, left: undefined });
  expect(limitOf('x'.repeat(7_199))).toEqual({ sendable: true, left: undefined });
  expect(limitOf('x'.repeat(7_200))).toEqual({ sendable: true, left: 800 });
  expect(limitOf('🎉'.repeat(8_000))).toEqual({ sendable: true, left: 0 });
  expect(limitOf('🎉'.repeat(8_001))).toEqual({ sendable: false, left: -1 });
});

describe('the box', () => {
  let outbox: Outbox;
  beforeEach(async () => {
    openDrafts('me');
    outbox = new Outbox('me', {
      store: inMemory(),
      post: () => new Promise(() => undefined),
      delivered: async () => undefined,
    });
    setOutbox(outbox);
    await outbox.open();
    render(<Composer conversationId="c" name="Ben" />);
  });
  afterEach(() => {
    cleanup();
    outbox.close();
    closeDrafts(true);
    vi.useRealTimers();
  });
  const box = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Message to Ben' });
  const type = (value: string) => fireEvent.change(box(), { target: { value } });
  const enter = (over = {}) => fireEvent.keyDown(box(), { key: 'Enter', keyCode: 13, ...over });
  const sent = () => pendingNow().map((one) => one.body);

  it('sends the trimmed text once, empties itself and keeps the focus', () => {
    type('  hello\nthere ');
    expect(draftNow('c')).toBe('  hello\nthere ');
    enter();
    enter();
    fireEvent.click(screen.getByRole('button', { name: messages.composer.send }));
    expect(sent()).toEqual(['hello\nthere']);
    expect(box().value).toBe('');
    expect(document.activeElement).toBe(box());
  });

  it('does nothing with blanks, Shift+Enter and a composing input method', () => {
    enter();
    type('   ');
    enter();
    type('こんにちは');
    enter({ isComposing: true });
    enter({ keyCode: 229 });
    enter({ shiftKey: true });
    expect(sent()).toEqual([]);
    expect(box().value).toBe('こんにちは');
  });

  it('keeps what is too long', () => {
    type('x'.repeat(MAX_BODY + 2));
    expect(screen.getByText(messages.composer.over(2))).toBeTruthy();
    enter();
    expect(sent()).toEqual([]);
    expect(box().value).toHaveLength(MAX_BODY + 2);
  });
});
