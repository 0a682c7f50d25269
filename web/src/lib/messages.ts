/**
 * Every English text of the interface, in one place. Texts with values are functions.
 * Group by area; keep sentences plain ("Not sent. Retry").
 */
export const messages = {
  app: {
    name: 'ChatApp',
    /** Shown in the tab when messages are unread: "(3) ChatApp". */
    title: (unread: number) => (unread > 0 ? `(${unread > 99 ? '99+' : unread}) ChatApp` : 'ChatApp'),
  },
  time: {
    today: 'Today',
    yesterday: 'Yesterday',
  },
  errors: {
    network: 'No connection to the server. Check your network and try again.',
    unknown: 'Something went wrong. Please try again.',
    rateLimited: 'Too many tries. Wait a moment and try again.',
  },
  conversation: {
    region: (name: string) => `Conversation with ${name}`,
    back: 'Back to all conversations',
    self: 'Notes to yourself',
    selfHint: 'Only you can see what you write here.',
    typing: 'typing…',
    notFound: 'This conversation does not exist, or you are not part of it.',
    notFoundAction: 'Back to conversations',
    loadFailed: 'The messages could not be loaded.',
    retry: 'Try again',
  },
  timeline: {
    list: (name: string) => `Messages with ${name}`,
    beginning: (name: string) => `Beginning of your conversation with ${name}`,
    beginningHint: 'Say hello: the first message starts it.',
    beginningSelf: 'Beginning of your notes',
    unread: 'New messages',
    loadingOlder: 'Loading older messages',
    loadingNewer: 'Loading newer messages',
    jump: 'Jump to latest',
    jumpUnread: (count: number) =>
      count === 1 ? 'Jump to latest, 1 new message' : `Jump to latest, ${count} new messages`,
    you: 'You',
    announce: (name: string, text: string) => `${name}: ${text}`,
    announceMany: (count: number, name: string) => `${count} new messages from ${name}`,
    messageLabel: (name: string, time: string) => `${name}, ${time}`,
  },
  states: {
    pending: 'Sending',
    sent: 'Sent',
    read: 'Read',
    failed: 'Not sent',
    retry: 'Retry',
    delete: 'Delete',
    failedBecause: (reason: string) => `Not sent. ${reason}`,
  },
  sendErrors: {
    tooLong: 'The message is too long.',
    notFound: 'This conversation does not exist any more.',
    forbidden: 'You cannot write here.',
    refused: 'The server refused the message.',
    reused: 'This message was already sent with another text.',
  },
  composer: {
    label: (name: string) => `Message to ${name}`,
    placeholder: 'Message',
    send: 'Send message',
    left: (count: number) => (count === 1 ? '1 character left' : `${count} characters left`),
    over: (count: number) => (count === 1 ? '1 character too many' : `${count} characters too many`),
  },
} as const;
