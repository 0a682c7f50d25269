import { api, call, type Me } from './api';
import { onOnline } from './connection';
import { closeDrafts, openDrafts } from './drafts';
import { chooseFormat, startFormat } from './format';
import { Outbox, setOutbox } from './outbox';
import { type OutboxStore, openOutboxStore } from './outbox-store';
import { Pictures, setPictures } from './pictures';
import { queryClient } from './query-client';
import { ReadMarks, setReadMarks } from './read-marks';
import { startSession } from './session';
import { keys } from './store';
import { Sync, setSync } from './sync';

/*
 * The only place that knows everything that runs while somebody is signed in: it starts it,
 * and takes it down again.
 */

interface Running {
  stop: () => void;
}

let running: Running | undefined;
let store: Promise<OutboxStore> | undefined;

/** Starts the client: call once, before the first render. */
export function startClient(): void {
  startFormat();
  startSession({
    enter: (user) => {
      running?.stop();
      running = run(user.id);
    },
    leave: (_, end) => {
      running?.stop();
      running = undefined;
      queryClient.clear();
      closeDrafts(end === 'signed-out');
      if (end === 'signed-out') void eraseDevice();
    },
  });
}

/** After signing out nothing of the person stays on the device. */
async function eraseDevice(): Promise<void> {
  store ??= openOutboxStore();
  await (await store).clear();
  if (typeof caches !== 'undefined') for (const name of await caches.keys()) await caches.delete(name);
}

/** Dates and numbers are written as the profile says, however it becomes known. */
function followProfile(): () => void {
  const follow = () => {
    const me = queryClient.getQueryData<Me>(keys.me);
    if (me) chooseFormat({ language: me.language, zone: me.time_zone });
  };
  follow();
  const stop = queryClient.getQueryCache().subscribe(({ type, query }) => {
    if (type === 'updated' && query.queryKey[0] === keys.me[0]) follow();
  });
  return () => {
    stop();
    chooseFormat();
  };
}

function run(userId: string): Running {
  openDrafts(userId);
  let outbox: Outbox | undefined;
  let stopped = false;
  const sync = new Sync(userId, { confirmed: (clientId) => outbox?.confirmed(clientId) });
  const marks = new ReadMarks(userId);
  const pictures = new Pictures();
  setPictures(pictures);
  setReadMarks(marks);
  setSync(sync);
  const stopWaking = onOnline(() => outbox?.wake());
  store ??= openOutboxStore();
  void store.then((opened) => {
    if (stopped) return;
    outbox = new Outbox(userId, {
      store: opened,
      post: ({ conversation_id, client_id, body }) =>
        call(api.POST('/api/v1/messages', { body: { conversation_id, client_id, body } })),
      delivered: (message) => sync.delivered(message),
    });
    setOutbox(outbox);
    void outbox.open();
  });
  const stopFormat = followProfile();
  void sync.start();
  return {
    stop: () => {
      stopped = true;
      sync.stop();
      marks.stop();
      pictures.stop();
      setPictures(undefined);
      stopFormat();
      stopWaking();
      outbox?.close();
      setOutbox(undefined);
      setReadMarks(undefined);
      setSync(undefined);
    },
  };
}
