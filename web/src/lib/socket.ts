import type { Entry } from './api';
import { backoffDelay, RECONNECT, retryAfterMs } from './backoff';

/*
 * One WebSocket to /api/v1/ws, kept alive for as long as somebody is signed in. It knows the protocol
 * chat.v1 and when to try again; what the frames mean is the business of sync.ts.
 */

export type SocketState =
  /** A try is under way. */
  | 'connecting'
  /** Open; the server has not yet said welcome. */
  | 'opening'
  /** Welcome: every event from the cursor on arrives by itself. */
  | 'online'
  /** Waiting for the next try. */
  | 'waiting'
  | 'stopped';

export interface SocketHandlers {
  /** The cursor of the last applied event. */
  cursor: () => string;
  /** A valid access token; undefined when the session is over; throws when the server cannot be reached. */
  token: (stale: string | undefined) => Promise<string | undefined>;
  onState: (state: SocketState) => void;
  onEvent: (entry: Entry) => void;
  onResync: (cursor: string, reason: string) => void;
  onTyping: (conversationId: string, userId: string) => void;
  /** A person, who may be oneself, has another name or picture. */
  onPerson: (userId: string) => void;
  /** A try failed before welcome. Live push may be down while the rest of the server works. */
  onFailed: () => void;
}

export interface SocketOptions {
  url: string;
  /** How long open and welcome may take. */
  welcomeMs?: number;
  /** A connection that lived this long was a good one: back-off starts again. */
  stableMs?: number;
  random?: () => number;
}

const PROTOCOL = 'chat.v1';
const CLOSE_SESSION = 4401;
const CLOSE_RESTART = 1012;
/** Answers of the server shorten the wait for the next try, but not below this. */
const NUDGE_MS = 1_000;

export class ChatSocket {
  private socket: WebSocket | undefined;
  private state: SocketState = 'stopped';
  private attempt = 0;
  private triedAt = Number.NEGATIVE_INFINITY;
  private usedToken: string | undefined;
  private staleToken: string | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private welcomeTimer: ReturnType<typeof setTimeout> | undefined;
  private stableTimer: ReturnType<typeof setTimeout> | undefined;
  /** When the last frame came, by performance.now(). */
  lastFrameAt = 0;

  constructor(
    private readonly options: SocketOptions,
    private readonly handlers: SocketHandlers,
  ) {}

  start(): void {
    if (this.state === 'stopped') this.connect();
  }

  stop(): void {
    this.drop();
    clearTimeout(this.retryTimer);
    this.change('stopped');
  }

  /** Tries at once when waiting. Does nothing otherwise. */
  retryNow(): void {
    if (this.state === 'waiting') this.connect();
  }

  /** The server has just answered something else, so it is back: no need to wait for the next try. */
  nudge(): void {
    if (performance.now() - this.triedAt > NUDGE_MS) this.retryNow();
  }

  /** Drops a connection that is believed dead, or has a hole, and connects again from the cursor. */
  reconnect(): void {
    if (this.state === 'stopped' || this.state === 'waiting') return;
    this.drop();
    this.retryLater(backoffDelay(this.attempt++, RECONNECT, this.options.random));
  }

  /** False when there is no open connection; the frame is then lost on purpose. */
  send(frame: Record<string, unknown>): boolean {
    if (this.state !== 'online' || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Keeps the connection through the end of the old token. */
  reauth(token: string): void {
    if (this.send({ type: 'reauth', token })) this.usedToken = token;
  }

  private change(state: SocketState): void {
    if (this.state === state) return;
    this.state = state;
    this.handlers.onState(state);
  }

  /** Forgets the current connection without hearing of its end. */
  private drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    clearTimeout(this.welcomeTimer);
    clearTimeout(this.stableTimer);
    socket?.close();
  }

  private retryLater(ms: number): void {
    clearTimeout(this.retryTimer);
    this.change('waiting');
    this.retryTimer = setTimeout(() => this.connect(), ms);
  }

  private failed(): void {
    this.handlers.onFailed();
    this.retryLater(backoffDelay(this.attempt++, RECONNECT, this.options.random));
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.triedAt = performance.now();
    this.change('connecting');
    void this.handlers.token(this.staleToken).then(
      (token) => {
        if (this.state !== 'connecting' || this.socket) return;
        // Without a token the session is over: the one who owns this socket stops it.
        if (token) this.open(token);
      },
      () => {
        if (this.state === 'connecting' && !this.socket) this.failed();
      },
    );
  }

  private open(token: string): void {
    this.usedToken = token;
    this.staleToken = undefined;
    const socket = new WebSocket(this.options.url, [PROTOCOL, `bearer.${token}`]);
    this.socket = socket;
    this.welcomeTimer = setTimeout(() => {
      if (this.socket !== socket) return;
      this.drop();
      this.failed();
    }, this.options.welcomeMs ?? 10_000);
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.change('opening');
      socket.send(JSON.stringify({ type: 'hello', cursor: this.handlers.cursor(), payload: 'full' }));
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.receive(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.closed(event.code, event.reason);
    };
  }

  private closed(code: number, reason: string): void {
    const wasOnline = this.state === 'online';
    this.drop();
    if (code === CLOSE_SESSION) this.staleToken = this.usedToken;
    const wish = code === CLOSE_RESTART ? retryAfterMs(reason) : undefined;
    if (!wasOnline && wish === undefined) this.failed();
    else this.retryLater(wish ?? backoffDelay(this.attempt++, RECONNECT, this.options.random));
  }

  private receive(data: unknown): void {
    this.lastFrameAt = performance.now();
    const frame = parse(data);
    switch (frame?.type) {
      case 'welcome':
        clearTimeout(this.welcomeTimer);
        this.stableTimer = setTimeout(() => {
          this.attempt = 0;
        }, this.options.stableMs ?? 5_000);
        this.change('online');
        break;
      case 'event':
        if (typeof frame.event === 'object' && frame.event !== null)
          this.handlers.onEvent(frame.event as Entry);
        break;
      case 'resync':
        this.handlers.onResync(String(frame.cursor), String(frame.reason));
        break;
      case 'typing':
        this.handlers.onTyping(String(frame.conversation_id), String(frame.user_id));
        break;
      case 'person':
        this.handlers.onPerson(String(frame.user_id));
        break;
    }
    // Other types, and `error` before a close, need nothing of us.
  }
}

function parse(data: unknown): Record<string, unknown> | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
