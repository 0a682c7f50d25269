import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { PendingMessage } from './outbox-state';

/** Where pending messages wait. Every tab of this browser sees the same. */
export interface OutboxStore {
  all: () => Promise<PendingMessage[]>;
  ofConversation: (conversationId: string) => Promise<PendingMessage[]>;
  put: (pending: PendingMessage) => Promise<void>;
  remove: (clientId: string) => Promise<void>;
  clear: () => Promise<void>;
}

interface Schema extends DBSchema {
  pending: { key: string; value: PendingMessage; indexes: { conversation: string } };
}

const NAME = 'chatapp';

/** The store in IndexedDB; in memory where the browser refuses (some private windows). */
export async function openOutboxStore(): Promise<OutboxStore> {
  try {
    const db = await openDB<Schema>(NAME, 1, {
      upgrade(database) {
        database
          .createObjectStore('pending', { keyPath: 'client_id' })
          .createIndex('conversation', 'conversation_id');
      },
    });
    return inBrowser(db);
  } catch {
    return inMemory();
  }
}

function inBrowser(db: IDBPDatabase<Schema>): OutboxStore {
  return {
    all: () => db.getAll('pending'),
    ofConversation: (id) => db.getAllFromIndex('pending', 'conversation', id),
    put: async (pending) => {
      await db.put('pending', pending);
    },
    remove: (clientId) => db.delete('pending', clientId),
    clear: () => db.clear('pending'),
  };
}

/** Also the store of the tests. */
export function inMemory(): OutboxStore {
  const rows = new Map<string, PendingMessage>();
  return {
    all: async () => [...rows.values()],
    ofConversation: async (id) => [...rows.values()].filter((row) => row.conversation_id === id),
    put: async (pending) => {
      rows.set(pending.client_id, pending);
    },
    remove: async (clientId) => {
      rows.delete(clientId);
    },
    clear: async () => rows.clear(),
  };
}
