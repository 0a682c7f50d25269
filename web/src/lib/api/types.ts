import type { paths } from './schema';

// Taken from the operations, not from the names of schemas: those may be renamed without a change of the API.
type Body<T> = T extends { content: { 'application/json': infer B } } ? B : never;
type Answer<P extends keyof paths, M extends keyof paths[P], S extends number> = paths[P][M] extends {
  responses: infer R;
}
  ? S extends keyof R
    ? Body<R[S]>
    : never
  : never;

export type Session = Answer<'/api/v1/auth/login', 'post', 200>;
export type SessionUser = Session['user'];
export type User = Answer<'/api/v1/users/{id}', 'get', 200>;
export type Me = Answer<'/api/v1/users/me', 'get', 200>;
export type ProfileChange = Partial<Pick<Me, 'display_name' | 'status_text' | 'language' | 'time_zone'>>;
export type Privacy = Answer<'/api/v1/users/me/privacy', 'get', 200>;
export type UserPage = Answer<'/api/v1/users', 'get', 200>;
export type Message = Answer<'/api/v1/messages/{id}', 'get', 200>;
export type ContactPolicy = Answer<'/api/v1/contact-policy', 'get', 200>;
export type DataExport = Answer<'/api/v1/data-exports', 'post', 202>;
export type ReportPage = Answer<'/api/v1/moderation/reports', 'get', 200>;
export type Report = ReportPage['items'][number];
export type FoundPage = Answer<'/api/v1/moderation/messages', 'get', 200>;
export type Found = FoundPage['items'][number];
export type Conversation = Answer<'/api/v1/conversations/{id}', 'get', 200>;
export type ConversationPage = Answer<'/api/v1/conversations', 'get', 200>;
export type MessagePage = Answer<'/api/v1/conversations/{id}/messages', 'get', 200>;

/** One entry of a user's event log. Its data is checked before use: see `message` and `readMark` in ../entries. */
export interface Entry {
  cursor: string;
  seq: number;
  type: string;
  time: string;
  data: unknown;
}
