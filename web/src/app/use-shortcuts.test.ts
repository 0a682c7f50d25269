import { describe, expect, it } from 'vitest';
import { commandOf } from './use-shortcuts';

const key = (name: string, more: KeyboardEventInit = {}) =>
  new KeyboardEvent('keydown', { key: name, ...more });

describe('commandOf', () => {
  it.each([
    ['k', { ctrlKey: true }, 'search'],
    ['K', { metaKey: true }, 'search'],
    ['k', {}, undefined],
    ['ArrowDown', { altKey: true }, 'next'],
    ['ArrowUp', { altKey: true }, 'previous'],
    ['ArrowUp', {}, undefined],
    ['F6', {}, 'region'],
    ['F6', { shiftKey: true }, 'region-back'],
    ['Escape', {}, 'composer'],
    ['?', { shiftKey: true }, 'help'],
    ['/', { ctrlKey: true }, 'help'],
  ])('%s %j is %s', (name, more, expected) =>
    expect(commandOf(key(name, more), false, false)).toBe(expected),
  );

  it('a question mark in a field is text', () => {
    expect(commandOf(key('?', { shiftKey: true }), true, false)).toBeUndefined();
    expect(commandOf(key('/', { ctrlKey: true }), true, false)).toBe('help');
  });
  it('an open dialog keeps its keys, but the search can be switched', () => {
    expect(commandOf(key('Escape'), false, true)).toBeUndefined();
    expect(commandOf(key('k', { ctrlKey: true }), true, true)).toBe('search');
  });
  it('keys of an input method are left alone', () => {
    expect(commandOf(key('Escape', { isComposing: true }), true, false)).toBeUndefined();
  });
});
