import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, call, type Privacy } from './api';
import { keys } from './store';

/** What this person shows of themselves. */
export function usePrivacy() {
  return useQuery<Privacy>({
    queryKey: keys.privacy,
    queryFn: () => call(api.GET('/api/v1/users/me/privacy', {})),
  });
}

/** Changes it; throws ApiProblem. What is read of others depends on it and is read anew. */
export function useSetPrivacy() {
  const client = useQueryClient();
  return useMutation<Privacy, Error, Privacy>({
    mutationFn: (body) => call(api.PUT('/api/v1/users/me/privacy', { body })),
    onSuccess: async (privacy) => {
      client.setQueryData(keys.privacy, privacy);
      await client.invalidateQueries({ queryKey: keys.anyUser });
    },
  });
}
