import { useQuery } from '@tanstack/react-query';
import { api, call, type DataExport } from './api';
import { queryClient } from './query-client';
import { saveAs } from './save';

/*
 * The file of all that is kept of the caller. The server makes it in the background, so while it
 * does it is asked how far it is, as long as somebody looks at it. Everything throws ApiProblem.
 */

const exportKey = ['data-export'];

const POLL_MS = 2_000;

export function isUnderWay(one: DataExport | null | undefined): boolean {
  return one?.state === 'waiting' || one?.state === 'running';
}

/** The newest file, null when there is none. Not asked in a tab that nobody sees. */
export function useDataExport() {
  return useQuery({
    queryKey: exportKey,
    queryFn: async () => (await call(api.GET('/api/v1/data-exports', {}))).export,
    refetchInterval: (query) => (isUnderWay(query.state.data) ? POLL_MS : false),
    staleTime: 0,
  });
}

/** Asks for a file; the one under way when there is one. */
export async function requestDataExport(): Promise<void> {
  const one = await call(api.POST('/api/v1/data-exports', {}));
  await queryClient.cancelQueries({ queryKey: exportKey });
  queryClient.setQueryData(exportKey, one);
}

/** Withdraws a file, or stops making it. */
export async function dropDataExport(id: string): Promise<void> {
  try {
    await call(api.DELETE('/api/v1/data-exports/{id}', { params: { path: { id } } }));
  } finally {
    await queryClient.invalidateQueries({ queryKey: exportKey });
  }
}

/** Fetches the file with the access token, which no address holds, and gives it to the person. */
export async function downloadDataExport(id: string): Promise<void> {
  try {
    const file = await call<unknown>(
      api.GET('/api/v1/data-exports/{id}/file', { params: { path: { id } }, parseAs: 'blob' }),
    );
    saveAs(file as Blob, 'chatapp-data.zip');
  } catch (error) {
    void queryClient.invalidateQueries({ queryKey: exportKey }); // it may have expired
    throw error;
  }
}
