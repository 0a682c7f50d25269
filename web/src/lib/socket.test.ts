import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Entry } from './api';
import { ChatSocket, type SocketState } from './socket';
import { FakeSocket } from './testing-socket';

function rig() {
  const states: SocketState[] = [];
  const events: Entry[] = [];
  const asked: (string | undefined)[] = [];
  const onFailed = vi.fn();
  const onResync = vi.fn();
  let tokens = 0;
  const socket = new ChatSocket(
    { url: 'ws://x/api/v1/ws', random: () => 0.5 },
    {
      cursor: () => 'e-7',
      token: async (stale) => {
        asked.push(stale);
        return stale ? `t${++tokens}` : `t${tokens}`;
      },
      onState: (state) => states.push(state),
      onEvent: (entry) => events.push(entry),
      onResync,
      onTyping: () => undefined,
      onPerson: () => undefined,
      onFailed,
    },
  );
  return { socket, states, events, asked, onFailed, onResync };
}

const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  vi.stubGlobal('WebSocket', FakeSocket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the socket', () => {
  it('offers the protocol and the token, says hello with the cursor, and is online after welcome', async () => {
    const { socket, states, events } = rig();
    socket.start();
    await tick();
    expect(FakeSocket.last.protocols).toEqual(['chat.v1', 'bearer.t0']);
    expect(FakeSocket.last.url).not.toContain('t0');
    FakeSocket.last.welcome();
    expect(FakeSocket.last.sent).toEqual([{ type: 'hello', cursor: 'e-7', payload: 'full' }]);
    FakeSocket.last.say({ type: 'event', event: { seq: 8 } });
    for (const odd of ['{', '7', 'null', { type: 'later' }, { type: 'event' }]) FakeSocket.last.say(odd);
    expect(events).toEqual([{ seq: 8 }]);
    expect(states).toEqual(['connecting', 'opening', 'online']);
    socket.stop();
  });

  it('waits longer after each failure, asks the log meanwhile, and starts anew after a good connection', async () => {
    const { socket, onFailed } = rig();
    socket.start();
    await tick();
    for (const wait of [250, 500, 1000, 2000]) {
      const count = FakeSocket.all.length;
      FakeSocket.last.end(1006);
      await tick(wait - 1);
      expect(FakeSocket.all).toHaveLength(count);
      await tick(1);
      expect(FakeSocket.all).toHaveLength(count + 1);
    }
    expect(onFailed).toHaveBeenCalledTimes(4);
    FakeSocket.last.welcome();
    await tick(6_000);
    FakeSocket.last.end(1006);
    await tick(250);
    expect(FakeSocket.all).toHaveLength(6);
    socket.stop();
  });

  it('comes back when the server that restarts says so', async () => {
    const { socket } = rig();
    socket.start();
    await tick();
    FakeSocket.last.welcome();
    FakeSocket.last.end(1012, 'retry_after_ms=1700');
    await tick(1_699);
    expect(FakeSocket.all).toHaveLength(1);
    await tick(1);
    expect(FakeSocket.all).toHaveLength(2);
    socket.stop();
  });

  it('asks for a new token when the session of the old one ended', async () => {
    const { socket, asked } = rig();
    socket.start();
    await tick();
    FakeSocket.last.welcome();
    FakeSocket.last.end(4401);
    await tick(250);
    expect(asked).toEqual([undefined, 't0']);
    expect(FakeSocket.last.protocols[1]).toBe('bearer.t1');
    socket.stop();
  });

  it('waits no longer once the server answers something else', async () => {
    const { socket } = rig();
    socket.start();
    await tick();
    for (const wait of [250, 500, 1000, 2000]) {
      FakeSocket.last.end(1006);
      await tick(wait);
    }
    FakeSocket.last.end(1006);
    socket.nudge();
    await tick(900);
    expect(FakeSocket.all).toHaveLength(5);
    await tick(200);
    socket.nudge();
    await tick();
    expect(FakeSocket.all).toHaveLength(6);
    socket.stop();
  });

  it('tries at once when told, gives up on a silent server, and stays stopped', async () => {
    const { socket, states, onFailed } = rig();
    socket.start();
    await tick();
    FakeSocket.last.end(1006);
    socket.retryNow();
    await tick();
    expect(FakeSocket.all).toHaveLength(2);
    FakeSocket.last.open();
    await tick(10_000);
    expect(onFailed).toHaveBeenCalledTimes(2);
    const silent = FakeSocket.last;
    socket.stop();
    silent.end(1006);
    await tick(60_000);
    expect(FakeSocket.all).toHaveLength(2);
    expect(states.at(-1)).toBe('stopped');
  });
});
