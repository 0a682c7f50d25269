import { expect, it } from 'vitest';
import { newTraceparent } from './traceparent';

it('is a W3C traceparent, and another one each time', () => {
  const made = new Set(Array.from({ length: 100 }, newTraceparent));
  expect(made.size).toBe(100);
  for (const value of made) expect(value).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});
