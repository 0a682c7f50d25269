/** The texts about downloading what is kept of oneself; part of `messages`. */
export const exportMessages = {
  title: 'Download my data',
  hint: 'Your data in one ZIP file: account, profile and settings, and all your conversations with every message, as JSON. It takes a moment to make; you need not wait here.',
  ask: 'Prepare the file',
  again: 'Prepare a new file',
  loadFailed: 'It could not be found out whether there is a file.',
  waiting: 'The file is about to be made…',
  running: (done: string, total: string) => `Making the file: ${done} of ${total} messages`,
  progress: 'Messages in the file',
  cancel: 'Cancel',
  ready: (size: string, until: string) => `Your file is ready: ${size}. It can be downloaded until ${until}.`,
  download: 'Download',
  downloaded: 'The file was downloaded. Keep it in a safe place.',
  remove: 'Delete the file',
  failed: {
    'account-unavailable': 'Your account could not be read for ten minutes. Try again later.',
    'profile-unavailable': 'Your profile could not be read for ten minutes. Try again later.',
    internal: 'Something went wrong on the server. Try again; if it stays so, tell the operator.',
  } as Record<string, string>,
};
