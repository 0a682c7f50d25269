import { expect, test } from '../fixtures.js';
import { password } from '../person.js';

test('two people sign up, find each other and see every message at once', async ({ newcomer }) => {
  const [alice, bob] = [await newcomer('Alice'), await newcomer('Bob')];
  for (const who of [alice, bob]) {
    const { page } = who;
    await page.goto(who.url);
    await page.getByRole('tab', { name: 'Create account' }).click();
    const username = who.handle;
    await page.getByLabel('Name', { exact: true }).fill(who.name);
    await page.getByLabel('Username', { exact: true }).fill(username);
    await expect(page.getByText(`${username} is available`)).toBeVisible();
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.keyboard.press('Enter');
    await expect(page.getByText(`Welcome, ${who.name}`)).toBeVisible();
    who.user.username = username;
  }

  await alice.find(bob);
  await alice.send('Hello Bob');
  await alice.delivered('Hello Bob');
  // Bob has not looked anywhere yet: the conversation appears by itself.
  await expect(bob.row(alice)).toContainText('Hello Bob');
  await expect(bob.row(alice)).toContainText('1 unread message');
  await bob.row(alice).click();
  await expect(bob.bubble('Hello Bob')).toBeVisible();
  await expect(alice.state('Hello Bob', 'Read')).toBeAttached();

  for (let i = 0; i < 3; i += 1) {
    await bob.send(`ping ${i}`);
    await expect(alice.bubble(`ping ${i}`)).toBeVisible();
    await alice.send(`pong ${i}`);
    await expect(bob.bubble(`pong ${i}`)).toBeVisible();
  }
  const order = ['Hello Bob', 'ping 0', 'pong 0', 'ping 1', 'pong 1', 'ping 2', 'pong 2'];
  for (const who of [alice, bob]) {
    await expect(who.bubbles).toHaveCount(order.length);
    await expect(who.bubbles).toContainText(order);
  }
  await expect(bob.row(alice)).not.toContainText('unread');

  // Hints are sent every few seconds at most, so Alice goes on typing.
  await expect(async () => {
    await alice.composer.pressSequentially('hm ');
    await expect(bob.conversation.getByText('typing…')).toBeVisible({ timeout: 500 });
  }).toPass();
});

test('a third person sees nothing of it', async ({ person }) => {
  const [alice, bob, carol] = [await person('Alice'), await person('Bob'), await person('Carol')];
  await carol.open();
  await alice.open();
  await alice.find(bob);
  await alice.send('between us');
  await alice.delivered('between us');
  const address = new URL(alice.page.url()).pathname;
  // What is written to Carol comes after it: when she has this, she would have had that.
  await alice.post(carol, 'for you');
  await expect(carol.row(alice)).toContainText('for you');
  await expect(carol.page.getByText('between us')).toHaveCount(0);
  await carol.page.goto(alice.url + address);
  await expect(
    carol.page.getByText('This conversation does not exist, or you are not part of it.'),
  ).toBeVisible();
  await expect(carol.page.getByText('between us')).toHaveCount(0);
});

test('messages of a conversation that is not open raise its badge and the title', async ({ person }) => {
  const [alice, bob, carol] = [await person('Alice'), await person('Bob'), await person('Carol')];
  await alice.post(bob, 'first of Alice');
  await carol.post(bob, 'first of Carol');
  await bob.open();
  await bob.row(carol).click();
  await expect(bob.row(carol)).not.toContainText('unread');
  await expect(bob.row(alice)).toContainText('1 unread message');
  await expect(bob.page).toHaveTitle('(1) ChatApp');
  await alice.post(bob, 'second of Alice');
  await expect(bob.row(alice)).toContainText('2 unread messages');
  await expect(bob.row(alice)).toContainText('second of Alice');
  await expect(bob.page).toHaveTitle('(2) ChatApp');
  await expect(bob.page.getByRole('link', { name: /Alice|Carol/ }).first()).toContainText('Alice');
  await bob.row(alice).click();
  await expect(bob.bubble('second of Alice')).toBeVisible();
  await expect(bob.row(alice)).not.toContainText('unread');
  await expect(bob.page).toHaveTitle('ChatApp');
});

test('two tabs of one person show the same', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  await bob.post(alice, 'hello');
  await alice.open();
  await alice.row(bob).click();
  const second = await alice.context.newPage();
  await second.goto(alice.page.url());
  await expect(second.getByRole('list', { name: /^Messages with / }).getByText('hello')).toHaveCount(1);
  await alice.send('from the first tab');
  await expect(second.getByText('from the first tab').last()).toBeVisible();
  await second.getByRole('textbox', { name: /^Message to / }).fill('from the second tab');
  await second.keyboard.press('Enter');
  await expect(alice.bubble('from the second tab')).toHaveCount(1);
  await expect(alice.bubbles).toHaveCount(3);
});
