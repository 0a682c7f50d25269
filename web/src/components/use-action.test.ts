import { act, renderHook } from '@testing-library/react';
import { expect, it } from 'vitest';
import { ApiProblem } from '@/lib/api';
import { useAction } from './use-action';

const wrong = (...locations: string[]) =>
  new ApiProblem({
    slug: 'invalid-body',
    status: 400,
    detail: 'Look again.',
    errors: locations.map((location) => ({ location, message: `wrong: ${location}` })),
  });

async function outcomeOf(error: ApiProblem, shown?: string[]) {
  const { result } = renderHook(() => useAction(shown));
  await act(() => result.current.run(() => Promise.reject(error)));
  expect(result.current.busy).toBe(false);
  return result.current.outcome;
}

it('puts what is wrong where the form shows it, and loses nothing', async () => {
  expect(await outcomeOf(wrong('body.name'), ['body.name'])).toEqual({
    fields: { 'body.name': 'wrong: body.name' },
  });
  expect(await outcomeOf(wrong('body.name', 'body.passkey'), ['body.name'])).toEqual({
    fields: { 'body.name': 'wrong: body.name' },
    failed: 'wrong: body.passkey',
  });
  expect(await outcomeOf(wrong('body.name'))).toEqual({ failed: 'wrong: body.name' });
  expect(await outcomeOf(wrong(), ['body.name'])).toEqual({ failed: 'Look again.' });
});

it('does one thing at a time', async () => {
  const { result } = renderHook(() => useAction());
  let finish: (text: string) => void = () => undefined;
  await act(async () => {
    void result.current.run(() => new Promise((resolve) => (finish = resolve)));
  });
  expect(result.current.busy).toBe(true);
  await act(async () => expect(await result.current.run(async () => 'second')).toBe(false));
  await act(async () => finish('first'));
  expect(result.current.outcome).toEqual({ done: 'first' });
});
