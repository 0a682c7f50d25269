import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import type { Person } from '../person.js';

async function askFirst(person: Person): Promise<void> {
  await person.api('PUT', '/contact-policy', { who_may_write: 'everyone', ask_first: true });
}

test('somebody new asks first, and nothing is shown to them until they are accepted', async ({ person }) => {
  const [ada, ben] = [await person('Ada'), await person('Ben')];
  await ben.open('/settings/contact');
  await ben.page.getByRole('checkbox', { name: /^Ask me first/ }).check();
  await ben.page.getByRole('button', { name: 'Save' }).click();
  await expect(ben.page.getByText('Saved')).toBeVisible();
  await ben.page.reload();
  await expect(ben.page.getByRole('checkbox', { name: /^Ask me first/ })).toBeChecked();

  await ada.open();
  await ada.find(ben);
  for (const text of ['One', 'Two', 'Three']) {
    await ada.send(text);
    await ada.delivered(text);
  }
  await ada.send('Four');
  await expect(ada.page.getByText(/You can write more when you are answered/)).toBeVisible();

  const device = await ben.context.newPage();
  await device.goto(ben.url);
  await expect(device.getByRole('button', { name: '1 message request' })).toBeVisible();
  await ben.open();
  await expect(ben.row(ada)).toHaveCount(0);
  expect(await ben.page.title(), 'a request counts as unread').not.toMatch(/^\(/);
  await ben.page.getByRole('button', { name: '1 message request' }).click();
  await ben.row(ada).click();
  await expect(ben.bubble('Three')).toBeVisible();
  await expect(ben.composer).toHaveCount(0);
  // It was read, and she does not see it.
  await expect(ben.row(ada).getByText(/unread/)).toHaveCount(0);
  await expect(ada.state('Three', 'Sent')).toBeAttached();

  await ben.page.getByRole('button', { name: 'Accept' }).click();
  await expect(ben.composer).toBeVisible();
  await expect(ben.row(ada)).toBeVisible();
  await expect(device.getByRole('button', { name: '1 message request' })).toHaveCount(0);
  await expect(ada.state('Three', 'Read')).toBeAttached();
  await ada.page.getByRole('button', { name: 'Retry' }).click();
  await ada.delivered('Four');
  await expect(ben.bubble('Four')).toBeVisible();
});

test('a request that is ignored is gone, and who is blocked cannot ask', async ({ person }) => {
  const [ada, ben, eve] = [await person('Ada'), await person('Ben'), await person('Eve')];
  await askFirst(ben);
  await ada.post(ben, 'hello');
  await eve.post(ben, 'hey');
  await ben.open();
  await ben.page.getByRole('button', { name: '2 message requests' }).click();
  await ben.row(ada).click();
  await ben.page.getByRole('button', { name: 'Ignore' }).click();
  await expect(ben.page.getByText(/^You put the request of Ada/)).toBeVisible();
  await expect(ben.row(ada)).toHaveCount(0);
  await ben.row(eve).click();
  await ben.page.getByRole('button', { name: 'Block', exact: true }).click();
  await expect(ben.page.getByText(/^You blocked Eve/)).toBeVisible();

  await ada.post(ben, 'anybody there?'); // she is not told, and it does not come back
  await ben.page.reload();
  await expect(ben.list).toBeVisible();
  await expect(ben.row(ada)).toHaveCount(0);
});

test('nobody new may write, those who are there may', async ({ person }) => {
  const [ada, ben, eve] = [await person('Ada'), await person('Ben'), await person('Eve')];
  await ben.post(eve, 'hello Eve');
  await ben.open('/settings/contact');
  await ben.page.getByRole('radio', { name: /^Nobody new/ }).check();
  await ben.page.getByRole('button', { name: 'Save' }).click();
  await expect(ben.page.getByText('Saved')).toBeVisible();
  await ada.open();
  await ada.find(ben);
  await ada.send('Hello?');
  await expect(ada.page.getByText(/This message cannot be delivered/)).toBeVisible();
  await eve.post(ben, 'hello Ben');
});

test('a person and a message are reported', async ({ person }) => {
  const [ada, ben] = [await person('Ada'), await person('Ben')];
  const message = await ada.post(ben, 'buy pills');
  await ben.open(`/c/${message.conversation_id}`);
  await ben.bubble('buy pills').hover();
  await ben.page.getByRole('button', { name: 'Report this message' }).click();
  const dialog = ben.page.getByRole('dialog');
  await dialog.getByLabel('Anything to add? (optional)').fill('Every day.');
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await expect(dialog.getByText('Thank you.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Close' }).last().click();

  await ben.page.getByRole('button', { name: /^More about/ }).click();
  await ben.page.getByRole('menuitem', { name: /^Report Ada/ }).click();
  await dialog.getByLabel('Harassment').check();
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await expect(dialog.getByText('Thank you.')).toBeVisible();
});

test('requests and reports are accessible in both themes', async ({ person }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const viewport = colorScheme === 'light' ? { width: 1280, height: 800 } : { width: 390, height: 844 };
    const [ada, ben] = [await person('Ada', { colorScheme }), await person('Ben', { colorScheme, viewport })];
    const picture = (name: string) => ben.page.screenshot({ path: `../artifacts/requests-${name}-${colorScheme}.png` });
    await askFirst(ben);
    const { conversation_id } = await ada.post(ben, 'May I write to you?');
    await ben.open(`/c/${conversation_id}`);
    await expect(ben.page.getByRole('button', { name: 'Accept' })).toBeVisible();
    await expect(ben.bubble('May I write to you?')).toBeVisible();
    await picture('bar');
    expect(await findings(ben.page), 'request').toEqual([]);
    await ben.page.getByRole('button', { name: /^More about/ }).click();
    await ben.page.getByRole('menuitem', { name: /^Report Ada/ }).click();
    await expect(ben.page.getByRole('button', { name: 'Send report' })).toBeVisible();
    await ben.page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished)));
    await picture('report');
    expect(await findings(ben.page), 'report').toEqual([]);
    await ben.page.goto(`${ben.url}/settings/contact`);
    await expect(ben.page.getByRole('radio', { name: 'Everyone' })).toBeVisible();
    await picture('settings');
    expect(await findings(ben.page), 'settings').toEqual([]);
    await ben.page.goto(ben.url);
    await expect(ben.page.getByRole('button', { name: '1 message request' })).toBeVisible();
    await picture('list');
    expect(await findings(ben.page), 'list').toEqual([]);
  }
});
