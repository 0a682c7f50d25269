/** The addresses of the interface. */
export const paths = {
  home: '/',
  signIn: '/signin',
  signUp: '/signup',
  forgot: '/forgot',
  reset: '/reset',
  confirm: '/confirm',
  join: '/join',
  admin: '/admin/:tab?/:id?',
  toAdmin: (tab?: string, id?: string) => ['/admin', tab, id].filter(Boolean).join('/'),
  signInFailed: '/sign-in-failed',
  conversation: '/c/:id',
  settings: '/settings/:tab?',
  toSettings: (tab?: string) => (tab ? `/settings/${tab}` : '/settings'),
  toConversation: (id: string) => `/c/${encodeURIComponent(id)}`,
} as const;

/** For the history entry of the sign-in page after an account was deleted. */
export const farewell = { farewell: true };

/** Whether the account was just deleted. */
export function afterFarewell(state: unknown): boolean {
  return typeof state === 'object' && state !== null && 'farewell' in state;
}

/** For the history entry of a conversation: whether the entry before it shows the list. */
export function cameFrom(openId: string | undefined): { fromList: boolean } {
  return { fromList: openId === undefined };
}

/** Whether going back from here leads to the list. */
export function cameFromList(): boolean {
  const state: unknown = history.state;
  return typeof state === 'object' && state !== null && 'fromList' in state && state.fromList === true;
}
