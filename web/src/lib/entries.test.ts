import { expect, it } from 'vitest';
import { parseCursor } from './entries';

it('reads cursors and nothing else', () => {
  expect(parseCursor('00ff00ff00ff00ff-42')).toEqual({ epoch: '00ff00ff00ff00ff', seq: 42 });
  expect(parseCursor('e-0')).toEqual({ epoch: 'e', seq: 0 });
  for (const bad of ['', '42', 'e-', '-1', 'e-1x', 'e-1-2', 'undefined'])
    expect(parseCursor(bad)).toBeUndefined();
});
