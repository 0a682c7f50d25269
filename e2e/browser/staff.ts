import { expect, type Page } from '@playwright/test';
import { type Person, password } from './person.js';
import type { Server } from './server.js';

/** Fills the form for signing in and sends it. */
export async function signIn(page: Page, url: string, username: string): Promise<void> {
  await page.goto(`${url}/signin`);
  await page.getByLabel('Username or e-mail').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Gives somebody a role as the operator does, and signs them in again. */
export async function promote(server: Server, who: Person, role: string): Promise<Person> {
  await server.command('admin', 'role', who.username, role);
  await signIn(who.page, who.url, who.username);
  await expect(who.page.getByRole('button', { name: /^Your menu/ })).toBeVisible();
  return who;
}
