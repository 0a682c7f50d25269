import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, type ContactPolicy, type Conversation, call } from './api';
import { keys, learn } from './store';

/** Who may write to this person first. */
export function useContactPolicy() {
  return useQuery({
    queryKey: keys.contactPolicy,
    queryFn: ({ signal }): Promise<ContactPolicy> => call(api.GET('/api/v1/contact-policy', { signal })),
  });
}

/** How many message requests wait, as the server counts them; asked again when one comes or is answered. */
export function useRequestCount(enabled: boolean): number {
  const { data = 0 } = useQuery({
    queryKey: keys.requestCount,
    queryFn: async ({ signal }) => {
      const query = { filter: 'requests', limit: 1 } as const;
      return (await call(api.GET('/api/v1/conversations', { params: { query }, signal }))).total ?? 0;
    },
    enabled,
  });
  return data;
}

/** Says who may write first. */
export function useSetContactPolicy() {
  const client = useQueryClient();
  return useMutation<ContactPolicy, Error, ContactPolicy>({
    mutationFn: (body) => call(api.PUT('/api/v1/contact-policy', { body })),
    onSuccess: (policy) => client.setQueryData(keys.contactPolicy, policy),
  });
}

/** Accepts a message request, or puts it aside. */
export function useDecide(id: string) {
  const client = useQueryClient();
  return useMutation<Conversation, Error, 'accept' | 'ignore'>({
    mutationFn: (what) => {
      const at = { params: { path: { id } } };
      return call(
        what === 'accept'
          ? api.POST('/api/v1/conversations/{id}/accept', at)
          : api.POST('/api/v1/conversations/{id}/ignore', at),
      );
    },
    onSuccess: (conversation) => {
      learn(client, conversation);
    },
  });
}
