import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { fromProblem } from './rules';

/** Why signing in with a passkey failed. Of one that was `offered` only what the server says of the passkey. */
export function passkeyProblem(error: unknown, how?: 'offered'): string | undefined {
  const problem = toProblem(error);
  if (problem.slug === 'unauthenticated') return messages.twoStep.passkeyWrong;
  if (how === 'offered' && problem.slug !== 'suspended') return undefined;
  return fromProblem(problem).form ?? problem.detail;
}
