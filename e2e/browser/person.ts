import { randomUUID } from 'node:crypto';
import { type BrowserContext, expect, type Locator, type Page } from '@playwright/test';

export const password = 'correct-horse-7-battery';

export type User = { id: string; username: string; display_name: string };
export type Message = { id: string; conversation_id: string; seq: number; client_id: string; body: string };

/** Something that went wrong in a page and that no test may ever cause. */
type Trouble = string;

/**
 * One person with a browser of their own. What they do, they do as a person
 * would: by roles, labels and keys. `api` is for arranging, not for acting.
 */
export class Person {
  user: User = { id: '', username: '', display_name: '' };
  readonly trouble: Trouble[] = [];
  #token = '';

  /** `name` is the display name, `handle` the wanted username. */
  constructor(
    readonly name: string,
    readonly handle: string,
    readonly context: BrowserContext,
    readonly page: Page,
    readonly url: string,
  ) {
    page.on('dialog', async (dialog) => {
      this.trouble.push(`dialog: ${dialog.message()}`);
      await dialog.dismiss();
    });
    page.on('pageerror', (error) => this.trouble.push(`uncaught: ${error.message}`));
    page.on('console', (message) => {
      if (/content security policy|trusted ?types/i.test(message.text()))
        this.trouble.push(`CSP: ${message.text()}`);
    });
  }

  get username(): string {
    return this.user.username;
  }

  /** Makes an account without the form; the next page that opens is signed in. */
  async arrange(): Promise<this> {
    const answer = await this.context.request.post(`${this.url}/api/v1/auth/register`, {
      data: { username: this.handle, password, display_name: this.name },
    });
    expect(answer.status(), await answer.text()).toBe(201);
    const session = (await answer.json()) as { access_token: string; user: User };
    this.user = session.user;
    this.#token = session.access_token;
    // The app asks for a session only where it remembers one: it did not see this sign-up.
    await this.page.goto(`${this.url}/robots.txt`);
    await this.page.evaluate(() => localStorage.setItem('chatapp.signed-in', '1'));
    return this;
  }

  /** Opens the app, signed in. */
  async open(path = '/'): Promise<this> {
    await this.page.goto(this.url + path);
    await expect(this.list.or(this.conversation).first()).toBeVisible();
    return this;
  }

  /** One call of the API as this person; for arranging and for judging. */
  async api<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, data?: object): Promise<T> {
    const answer = await this.context.request.fetch(`${this.url}/api/v1${path}`, {
      method,
      data,
      headers: { Authorization: `Bearer ${this.#token}` },
    });
    expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
    return (answer.status() === 204 ? undefined : await answer.json()) as T;
  }

  /** Posts over the API, as another client of this person would. */
  post(to: Person, body: string): Promise<Message> {
    return this.api('POST', '/messages', { to: to.user.id, client_id: randomUUID(), body });
  }

  /** Marks everything as read, as another device of this person would. */
  async read(conversation: string, seq: number): Promise<void> {
    await this.api('PUT', `/conversations/${conversation}/read`, { seq });
  }

  /** The server's truth: every message with somebody, oldest first. */
  async history(withWhom: Person): Promise<Message[]> {
    const page = await this.api<{ items: Message[] }>('GET', `/messages?with=${withWhom.user.id}&limit=100`);
    return page.items;
  }

  /** The list of conversations. */
  get list(): Locator {
    return this.page.getByRole('navigation', { name: 'Conversations' });
  }

  /** The conversation on screen. */
  get conversation(): Locator {
    return this.page.getByRole('region', { name: /^Conversation with / });
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: /^Message to / });
  }

  /** The row of a conversation in the list. */
  row(other: Person): Locator {
    return this.list.getByRole('link', { name: named(other.name) });
  }

  /** The scrolling list of messages. */
  get timeline(): Locator {
    return this.page.getByRole('list', { name: /^Messages with / });
  }

  /** The bubbles on screen, top to bottom; day lines and the like are none. */
  get bubbles(): Locator {
    return this.timeline
      .getByRole('listitem')
      .and(this.page.locator(':not([data-row^="day:"], [data-row="unread"], [data-row="beginning"])'));
  }

  bubble(text: string): Locator {
    return this.bubbles.filter({ has: this.page.getByText(text, { exact: true }) });
  }

  /** The word for how far an own message has got: Sending, Sent, Read, Not sent. */
  state(text: string, state: string | RegExp): Locator {
    return this.bubble(text).getByText(state, { exact: true }).first();
  }

  /** Waits until the server has an own message. */
  async delivered(text: string): Promise<void> {
    await expect(this.state(text, /^(Sent|Read)$/)).toBeAttached();
  }

  /** Finds somebody with the people search and opens the conversation. */
  async find(other: Person): Promise<void> {
    await this.page.getByRole('button', { name: 'New conversation' }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByPlaceholder('Name or username').fill(other.username);
    await dialog.getByRole('option', { name: named(other.name) }).click();
    await expect(this.composer).toBeFocused();
  }

  /** Types a text and presses Enter. */
  async send(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }
}

/** A name anywhere in a text. */
export function named(name: string): RegExp {
  return new RegExp(name);
}
