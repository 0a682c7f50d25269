/** The texts about deleting the account; part of `messages`. */
export const farewellMessages = {
  title: 'Delete account',
  hint: 'Your account is gone for good, on all devices. Nobody else can take your username.',
  keep: 'What you wrote stays with the people you wrote to, under the name “Deleted user”.',
  erase: 'What you wrote is erased for the people you wrote to, too.',
  ask: 'Delete account…',
  confirmTitle: 'Delete your account?',
  warning: 'This cannot be undone. If you want to keep your data, close this and download it first.',
  retype: (username: string) => `Type your username, ${username}, to go on`,
  retypeWrong: 'This is not your username.',
  action: 'Delete account for good',
  goodbye: 'Your account was deleted. Good-bye!',
  /** In the place of the message box. */
  gone: 'This account was deleted. Nothing can be written here any more.',
  /** In the place of a text. */
  erased: 'Message deleted',
};
