import { test as base, expect } from '../fixtures.js';
import { Server } from '../server.js';

// These tests take the server down, so each has its own.
const test = base.extend<{ ownServer: Server }>({
  ownServer: async ({}, use, info) => {
    const server = await Server.start(`restart-${info.testId}`);
    await use(server);
    await server.end();
  },
});

test('messages written without a connection are sent once, in order, when it is back', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  await bob.post(alice, 'hello');
  await bob.open();
  await bob.row(alice).click();
  await alice.open();
  await alice.row(bob).click();
  await expect(alice.bubble('hello')).toBeVisible();

  await alice.context.setOffline(true);
  await expect(alice.page.getByText(/^No connection/).filter({ visible: true })).toBeVisible();
  const written = Array.from({ length: 20 }, (_, i) => `offline ${i}`);
  for (const text of written) await alice.send(text);
  await expect(alice.state('offline 19', 'Sending')).toBeAttached();
  await bob.send('meanwhile');
  await bob.delivered('meanwhile');

  await alice.context.setOffline(false);
  await alice.delivered('offline 19');
  await expect(alice.page.getByText(/^No connection/)).toHaveCount(0);
  await expect(alice.bubble('meanwhile')).toHaveCount(1);
  await expect(bob.bubble('offline 19')).toBeVisible();
  expect((await bob.history(alice)).map((m) => m.body)).toEqual(['hello', 'meanwhile', ...written]);
  for (const who of [alice, bob])
    for (const text of ['offline 0', 'offline 19']) await expect(who.bubble(text)).toHaveCount(1);
});

test('a server that is killed and comes back loses and repeats nothing', async ({ ownServer, browser }) => {
  const { Person } = await import('../person.js');
  const people = [];
  for (const name of ['Alice', 'Bob']) {
    const context = await browser.newContext();
    people.push(
      await new Person(name, name.toLowerCase(), context, await context.newPage(), ownServer.url).arrange(),
    );
  }
  const [alice, bob] = people as [InstanceType<typeof Person>, InstanceType<typeof Person>];
  await alice.post(bob, 'hello');
  for (const [who, other] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    await who.open();
    await who.row(other).click();
    await expect(who.bubble('hello')).toBeVisible();
  }
  const all = ['hello'];
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    await ownServer.stop(signal);
    await alice.send(`while down by ${signal}`);
    await bob.send(`answer while down by ${signal}`);
    all.push(`while down by ${signal}`, `answer while down by ${signal}`);
    await ownServer.start();
    for (const who of [alice, bob]) for (const text of all) await expect(who.bubble(text)).toHaveCount(1);
    await alice.delivered(`while down by ${signal}`);
    await bob.delivered(`answer while down by ${signal}`);
  }
  const history = await alice.history(bob);
  expect(history.map((m) => m.body).sort()).toEqual([...all].sort());
  for (const who of [alice, bob]) {
    expect(who.trouble).toEqual([]);
    // Everybody shows the one order, which is the server's.
    await expect(who.bubbles).toContainText(history.map((m) => m.body));
    await who.context.close();
  }
});
