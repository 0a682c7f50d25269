import { expect, test } from '../fixtures.js';
import { named } from '../person.js';

test('blocking is silent for the other, ends both ways, and can be undone', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  await bob.post(alice, 'hello?');
  await Promise.all([alice.open(), bob.open()]);
  await alice.row(bob).click();
  await expect(alice.bubble('hello?')).toBeVisible();

  await alice.page.getByRole('button', { name: `More about ${bob.name}` }).click();
  await alice.page.getByRole('menuitem', { name: `Block ${bob.name}` }).click();
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Block', exact: true }).click();
  await expect(alice.conversation.getByText(`You blocked ${bob.name}.`)).toBeVisible();
  await expect(alice.composer).toHaveCount(0);
  await expect(alice.bubble('hello?')).toBeVisible();

  // Bob sees what he saw, and that his message does not get through.
  await bob.row(alice).click();
  await expect(bob.conversation.getByText('blocked')).toHaveCount(0);
  await bob.send('are you there?');
  await expect(bob.bubble('are you there?').getByText('cannot be delivered')).toBeVisible();
  expect((await alice.history(bob)).map((m) => m.body)).toEqual(['hello?']);
  // The search of people finds neither; that of one's own conversations does.
  for (const [who, whom] of [
    [alice, bob],
    [bob, alice],
  ] as const)
    expect((await who.api<{ items: unknown[] }>('GET', `/users?query=${whom.username}`)).items).toEqual([]);

  // It is undone in the settings, with the keyboard.
  await alice.page.getByRole('button', { name: /^Your menu/ }).click();
  await alice.page.getByRole('menuitem', { name: 'Settings' }).click();
  await alice.page.getByRole('tab', { name: 'Blocked people' }).click();
  await alice.page.getByRole('button', { name: `Unblock ${bob.name}` }).press('Enter');
  await expect(alice.page.getByText('You have blocked nobody.')).toBeVisible();
  await bob.bubble('are you there?').getByRole('button', { name: 'Retry' }).click();
  await bob.delivered('are you there?');
  await alice.page.getByRole('button', { name: 'Back' }).click();
  await alice.row(bob).click();
  await expect(alice.bubble('are you there?')).toBeVisible();
  await expect(alice.composer).toBeVisible();
});

test('the name is changed in the settings and is new at the others', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  await alice.post(bob, 'hello');
  await bob.open();
  await bob.row(alice).click();
  const device = await alice.context.newPage();
  await device.goto(alice.url);
  await expect(device.getByRole('button', { name: /^Your menu/ })).toBeVisible();
  await alice.open('/settings');
  const name = alice.page.getByRole('textbox', { name: 'Name' });
  await name.fill('   ');
  await alice.page.getByRole('button', { name: 'Save' }).click();
  await expect(alice.page.getByText('Please fill this in.')).toBeVisible();
  await name.fill(`${alice.name} Liddell`);
  await name.press('Enter');
  await expect(alice.page.getByRole('status').getByText('Saved')).toBeVisible();
  // At once where they talk, and on her other devices.
  await expect(bob.page.getByRole('heading', { name: `${alice.name} Liddell` })).toBeVisible();
  await expect(bob.list.getByRole('link', { name: named(`${alice.name} Liddell`) })).toBeVisible();
  await expect(
    device.getByRole('button', { name: `Your menu, signed in as ${alice.name} Liddell` }),
  ).toBeVisible();
  await bob.page.getByRole('button', { name: 'New conversation' }).click();
  await bob.page.getByPlaceholder('Name or username').fill(alice.username);
  await expect(bob.page.getByRole('option', { name: named(`${alice.name} Liddell`) })).toBeVisible();
  // The address of a page that does not exist is nobody's.
  await alice.page.goto(`${alice.url}/settings/nothing`);
  await expect(alice.page.getByRole('heading', { name: 'There is nothing here' })).toBeVisible();
});
