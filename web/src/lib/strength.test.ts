import { expect, it } from 'vitest';
import { strength } from './strength';

it('knows what attackers try first, keyboards and long words', () => {
  expect(strength('password')).toBe(0);
  expect(strength('Iloveyou')).toBe(0);
  expect(strength('qwertzuiop')).toBeLessThan(2);
  expect(strength('correct horse battery')).toBe(4);
});
