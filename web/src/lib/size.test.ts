import { describe, expect, it } from 'vitest';
import { formatSize } from './size';

describe('formatSize', () => {
  it('says sizes in the largest unit that fits', () => {
    const say = (bytes: number) => formatSize(bytes, 'en-GB');
    expect(say(1)).toBe('1 byte');
    expect(say(999)).toBe('999 bytes');
    expect(say(1200)).toBe('1.2 kB');
    expect(say(999_600)).toBe('1 MB');
    expect(say(3_440_000)).toBe('3.4 MB');
    expect(say(25_400_000)).toBe('25 MB');
    expect(say(7.25e12)).toBe('7,250 GB');
    expect(formatSize(1_500_000, 'de')).toBe('1,5 MB');
  });
});
