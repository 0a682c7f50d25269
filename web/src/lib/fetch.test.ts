import { expect, it } from 'vitest';
import { queryOf } from './fetch';

it('asks for the first messages in a way the server does not take for the latest', () => {
  expect(queryOf({ after: 0, limit: 50 })).toEqual({ before: 51, limit: 50 });
  expect(queryOf({ after: 3, limit: 50 })).toEqual({ after: 3, limit: 50 });
  expect(queryOf({})).toEqual({});
});
