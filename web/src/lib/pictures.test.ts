import { describe, expect, it, vi } from 'vitest';
import type { User } from './api';
import { Pictures } from './pictures';

const picture = { small: '/s', medium: '/m', large: '/l' };
const anna = { id: 'a', username: 'anna', display_name: 'Anna', picture } as User;

describe('Pictures', () => {
  it('asks once for all who are looked at within a moment, and not again while it is fresh', async () => {
    vi.useFakeTimers();
    const fetch = vi.fn(async () => [anna]);
    const pictures = new Pictures(fetch);
    for (const id of ['a', 'b', 'a']) pictures.want(id);
    await vi.advanceTimersByTimeAsync(100);
    expect(fetch.mock.calls).toEqual([[['a', 'b']]]);
    expect(pictures.get('a')).toBe(picture);
    expect(pictures.get('b')).toBeUndefined();
    pictures.want('a');
    pictures.want('b');
    await vi.advanceTimersByTimeAsync(100);
    expect(fetch).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(61_000);
    pictures.want('a');
    await vi.advanceTimersByTimeAsync(100);
    expect(fetch).toHaveBeenLastCalledWith(['a']);
    vi.useRealTimers();
  });

  it('asks again for one that is old, and only where somebody looked', async () => {
    vi.useFakeTimers();
    const fresh = { ...anna, picture: { ...picture, small: '/new' } };
    const fetch = vi.fn(async (): Promise<(typeof anna)[]> => [fresh]).mockResolvedValueOnce([anna]);
    const pictures = new Pictures(fetch);
    pictures.old('a');
    await vi.advanceTimersByTimeAsync(100);
    expect(fetch).not.toHaveBeenCalled();
    pictures.want('a');
    await vi.advanceTimersByTimeAsync(100);
    pictures.old('a');
    expect(pictures.get('a')?.small).toBe('/s');
    await vi.advanceTimersByTimeAsync(100);
    expect(pictures.get('a')?.small).toBe('/new');
    vi.useRealTimers();
  });

  it('asks for no more than a hundred at once, and again after a failure', async () => {
    vi.useFakeTimers();
    const fetch = vi.fn(async () => [anna]).mockRejectedValueOnce(new Error('offline'));
    const pictures = new Pictures(fetch);
    for (let n = 0; n < 150; n++) pictures.want(`p${n}`);
    await vi.advanceTimersByTimeAsync(200);
    expect(fetch.mock.calls.map((call) => (call as unknown as [string[]])[0].length)).toEqual([100, 50]);
    pictures.want('p0');
    await vi.advanceTimersByTimeAsync(100);
    expect(fetch).toHaveBeenLastCalledWith(['p0']);
    vi.useRealTimers();
  });
});
