import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, type Page } from '@playwright/test';

const root = resolve(import.meta.dirname, '../..');

/** The client of every installation that a test makes. */
export const client = { id: 'chat', secret: 'provider-client-secret' };

/** Somebody with an account at the provider; `Subject` is who they are there. */
export type Someone = {
  Subject: string;
  Username: string;
  First: string;
  Last: string;
  Email: string;
  Verified: boolean;
};

/** A real OpenID Connect provider: libs/testkit/idp. */
export class Provider {
  readonly #dir: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  issuer = '';

  private constructor(dir: string, callback: string) {
    this.#dir = dir;
    this.#child = spawn(join(dir, 'provider'), [client.id, client.secret, callback]);
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** `callback` is where ChatApp wants people back. */
  static async start(callback: string): Promise<Provider> {
    const dir = mkdtempSync(join(tmpdir(), 'chatapp-provider-'));
    const env = { ...process.env, GOWORK: 'off' };
    execFileSync('go', ['build', '-o', join(dir, 'provider'), './libs/testkit/idp/oidcprovider'], {
      cwd: root,
      env,
    });
    const provider = new Provider(dir, callback);
    provider.issuer = (await provider.#lines.next()).value;
    return provider;
  }

  /** Gives somebody an account there. */
  async add(someone: Someone): Promise<void> {
    this.#child.stdin.write(`${JSON.stringify(someone)}\n`);
    expect((await this.#lines.next()).value).toBe('ok');
  }

  /** Fills in the provider's own page, which the browser has to be on. */
  async signIn(page: Page, username: string): Promise<void> {
    await expect(page.getByRole('heading', { name: 'Provider' })).toBeVisible();
    expect(page.url()).toContain(this.issuer);
    await page.getByLabel('Name').fill(username);
    await page.getByLabel('Password').fill('provider-password');
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  end(): void {
    this.#child.stdin.end();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
