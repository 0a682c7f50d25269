import { randomBytes } from 'node:crypto';
import { type BrowserContextOptions, test as base, expect } from '@playwright/test';
import { Person } from './person.js';
import { Server } from './server.js';

type Fixtures = {
  /** A person with a browser, who has no account yet. */
  newcomer: (name: string, options?: BrowserContextOptions) => Promise<Person>;
  /** A person with an account and a browser that is signed in. */
  person: (name: string, options?: BrowserContextOptions) => Promise<Person>;
};

type WorkerFixtures = { server: Server };

/**
 * What nobody else is called: "Bob" becomes "Bob 3f9a1". Full names stay as
 * they are: they are for pictures, and may come again.
 */
function unique(name: string): { name: string; handle: string } {
  const suffix = randomBytes(3).toString('hex').slice(0, 5);
  return {
    name: name.includes(' ') ? name : `${name} ${suffix}`,
    handle: `${name.toLowerCase().replaceAll(' ', '-')}-${suffix}`,
  };
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
      const { name: called, handle } = unique(name);
      const person = new Person(called, handle, context, await context.newPage(), server.url);
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
