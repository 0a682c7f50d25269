import { type BrowserContextOptions, expect, test as base } from '@playwright/test';
import { Person } from './person.js';
import { Server } from './server.js';

type Fixtures = {
  /** A person with a browser, who has no account yet. */
  newcomer: (name: string, options?: BrowserContextOptions) => Promise<Person>;
  /** A person with an account and a browser that is signed in. */
  person: (name: string, options?: BrowserContextOptions) => Promise<Person>;
};

type WorkerFixtures = { server: Server };

let made = 0;

/** A name nobody else on this worker's server has. */
function unique(name: string): string {
  made += 1;
  return `${name} ${made}`;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  server: [
    async ({}, use, info) => {
      const server = await Server.start(`worker-${info.workerIndex}`);
      await use(server);
      await server.end();
    },
    { scope: 'worker' },
  ],

  newcomer: async ({ browser, server }, use) => {
    const everybody: Person[] = [];
    await use(async (name, options) => {
      const context = await browser.newContext(options);
      const person = new Person(unique(name), context, await context.newPage(), server.url);
      everybody.push(person);
      return person;
    });
    for (const person of everybody) {
      expect(person.trouble, `what went wrong in ${person.name}'s page`).toEqual([]);
      await person.context.close();
    }
  },

  person: async ({ newcomer }, use) => {
    await use(async (name, options) => (await newcomer(name, options)).arrange());
  },
});

export { expect };
