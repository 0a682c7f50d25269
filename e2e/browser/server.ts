import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');

const binary = process.env.CHATAPP_BINARY ?? join(root, 'bin/chatapp');

/** What no log of the server may hold: see check(). */
const secrets = ['eyJ', 'correct-horse-7-battery', 'provider-client-secret', 'panic', 'DATA RACE'];

/**
 * A real all-in-one with its own empty data directory. It can be killed and
 * started again at the same address with the same data.
 */
export class Server {
  readonly url: string;
  readonly #env: Record<string, string>;
  readonly #dir = mkdtempSync(join(tmpdir(), 'chatapp-browser-'));
  readonly #log: string;
  readonly #ready: string;
  readonly #inbox: string;
  #process: ChildProcess | undefined;

  private constructor(name: string, port: number, adminPort: number) {
    // CHATAPP_URL names a ChatApp that runs already, in whatever shape.
    this.url = process.env.CHATAPP_URL ?? `http://localhost:${port}`;
    this.#ready = `http://localhost:${adminPort}/readyz`;
    this.#inbox = `http://localhost:${adminPort}/inbox`;
    const logs = join(root, 'e2e/artifacts/browser-servers');
    mkdirSync(logs, { recursive: true });
    this.#log = join(logs, `${name}.log`);
    this.#env = {
      CHAT_LISTEN: `localhost:${port}`,
      CHAT_ADMIN_LISTEN: `localhost:${adminPort}`,
      CHAT_PUBLIC_URL: this.url,
      CHAT_DATA_DIR: join(this.#dir, 'data'),
      // All people of the tests come from one address, and are faster than people.
      CHAT_LOGIN_RATE_PER_IP: '1000000',
      CHAT_RATE_LIMIT: 'off',
    };
  }

  /** Starts a server; its log is e2e/artifacts/browser-servers/<name>.log. */
  static async start(name: string): Promise<Server> {
    const server = new Server(name, await freePort(), await freePort());
    if (process.env.CHATAPP_URL) return server;
    rmSync(server.#log, { force: true });
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: make build`);
    const log = openSync(this.#log, 'a');
    const child = spawn(binary, [], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.#env },
      stdio: ['ignore', log, log],
    });
    this.#process = child;
    const deadline = Date.now() + 60_000;
    while (
      !(await fetch(this.#ready).then(
        (r) => r.ok,
        () => false,
      ))
    ) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`the server does not start:\n${readFileSync(this.#log, 'utf8').slice(-2000)}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /** Starts again with other settings and the same data. */
  async restart(settings: Record<string, string>): Promise<void> {
    await this.stop('SIGTERM');
    Object.assign(this.#env, settings);
    await this.start();
  }

  /** The link in the newest mail to an address, once it has arrived. */
  async mailedLink(address: string, page: string): Promise<string> {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
      const mails = (await (await fetch(this.#inbox)).text()).split('<article');
      const mail = mails.find((text) => text.includes(address) && text.includes(`/${page}#token=`));
      const link = mail?.match(/http:\S+#token=[\w-]+/)?.[0];
      if (link) return link;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`no mail to ${address} with a link to /${page}`);
  }

  /** Runs a command of the program beside the running one, as the operator would; returns what it prints. */
  async command(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(binary, args, {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.#env },
    });
    return stdout.trim();
  }

  /** SIGTERM asks, SIGKILL does not. Resolves with the exit code when it is gone. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = new Promise<number | null>((done) => child.once('exit', done));
    child.kill(signal);
    return gone;
  }

  /** Ends the server for good, and its data. Secrets in its log are an error. */
  async end(): Promise<void> {
    const code = await this.stop('SIGTERM');
    if (!this.#process) return;
    rmSync(this.#dir, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code}; see ${this.#log}`);
    const log = readFileSync(this.#log, 'utf8');
    for (const secret of secrets) if (log.includes(secret)) throw new Error(`${this.#log} holds ${secret}`);
  }
}

/** A port below the ephemeral range, so that it is still free after a restart. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 11_000);
    const free = await new Promise<boolean>((done) => {
      const probe = createServer().once('error', () => done(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
    });
    if (free) return port;
  }
}
