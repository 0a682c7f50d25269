import { codePoints, MAX_BODY, trimBody } from '@/lib/text';

export interface Limit {
  /** Whether there is anything to send, and not too much. */
  sendable: boolean;
  /** Code points that are left; negative when there are too many. Undefined below 90 % of the limit. */
  left: number | undefined;
}

/** What the text may do: nothing when blank, be sent, or wait until it is shorter. */
export function limitOf(text: string, max = MAX_BODY): Limit {
  const body = trimBody(text);
  // A string has at least half as many code points as units: no need to count short ones.
  const count = body.length < max * 0.9 ? body.length : codePoints(body);
  return {
    sendable: body !== '' && count <= max,
    left: count >= max * 0.9 ? max - count : undefined,
  };
}
