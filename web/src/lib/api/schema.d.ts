/* Until docs/api/openapi.json exists: written by hand in the shape of openapi-typescript. `npm run gen` replaces it. */
export interface components {
  schemas: {
    Problem: {
      type?: string;
      title?: string;
      status?: number;
      detail?: string;
      instance?: string;
      errors?: { location?: string; message?: string }[];
    };
    SessionUser: { id: string; username: string; display_name: string; role: string };
    Session: {
      access_token: string;
      token_type: string;
      expires_in: number;
      user: components['schemas']['SessionUser'];
    };
    User: { id: string; username: string; display_name: string };
    Me: { id: string; username: string; display_name: string; created_at: string };
    UserPage: { items: components['schemas']['User'][]; next_cursor: string | null };
    Message: {
      id: string;
      conversation_id: string;
      seq: number;
      sender_id: string;
      client_id: string;
      body: string;
      created_at: string;
    };
    Conversation: {
      id: string;
      kind: 'direct' | 'self';
      peer: components['schemas']['User'];
      last_message: components['schemas']['Message'] | null;
      last_seq: number;
      read_seq: number;
      peer_read_seq: number;
      unread: number;
      created_at: string;
    };
    ConversationPage: {
      items: components['schemas']['Conversation'][];
      next_cursor: string | null;
      cursor: string;
    };
    MessagePage: { items: components['schemas']['Message'][]; has_older: boolean; has_newer: boolean };
    Entry: { cursor: string; seq: number; type: string; time: string; data: unknown };
    EntryPage: { items: components['schemas']['Entry'][]; cursor: string; has_more: boolean };
    ReadMark: { conversation_id: string; read_seq: number; unread: number };
  };
}

type Ok<T> = { headers: { [name: string]: unknown }; content: { 'application/json': T } };
type Empty = { headers: { [name: string]: unknown }; content?: never };
type Fail = {
  headers: { [name: string]: unknown };
  content: { 'application/problem+json': components['schemas']['Problem'] };
};
type Answer<T> = { 200: Ok<T>; default: Fail };
type None = { query?: never; header?: never; path?: never; cookie?: never };
type Query<Q> = { query?: Q; header?: never; path?: never; cookie?: never };
type ById<Q = never> = { query?: Q; header?: never; path: { id: string }; cookie?: never };
type Json<B> = { content: { 'application/json': B } };

export interface paths {
  '/api/v1/auth/register': {
    post: {
      parameters: None;
      requestBody: Json<{ username?: string; email?: string; password: string; display_name?: string }>;
      responses: { 201: Ok<components['schemas']['Session']>; default: Fail };
    };
  };
  '/api/v1/auth/login': {
    post: {
      parameters: None;
      requestBody: Json<{ login: string; password: string }>;
      responses: Answer<components['schemas']['Session']>;
    };
  };
  '/api/v1/auth/refresh': {
    post: { parameters: None; requestBody?: never; responses: Answer<components['schemas']['Session']> };
  };
  '/api/v1/auth/logout': {
    post: { parameters: None; requestBody?: never; responses: { 204: Empty; default: Fail } };
  };
  '/api/v1/auth/usernames/{username}': {
    get: {
      parameters: { query?: never; header?: never; path: { username: string }; cookie?: never };
      requestBody?: never;
      responses: Answer<{ username: string; available: boolean }>;
    };
  };
  '/api/v1/users/me': {
    get: { parameters: None; requestBody?: never; responses: Answer<components['schemas']['Me']> };
    patch: {
      parameters: None;
      requestBody: Json<{ display_name: string }>;
      responses: Answer<components['schemas']['Me']>;
    };
  };
  '/api/v1/users/{id}': {
    get: { parameters: ById; requestBody?: never; responses: Answer<components['schemas']['User']> };
  };
  '/api/v1/users': {
    get: {
      parameters: Query<{ query?: string; cursor?: string; limit?: number }>;
      requestBody?: never;
      responses: Answer<components['schemas']['UserPage']>;
    };
  };
  '/api/v1/conversations': {
    get: {
      parameters: Query<{ cursor?: string; limit?: number }>;
      requestBody?: never;
      responses: Answer<components['schemas']['ConversationPage']>;
    };
    post: {
      parameters: None;
      requestBody: Json<{ user_id: string }>;
      responses: Answer<components['schemas']['Conversation']>;
    };
  };
  '/api/v1/conversations/{id}': {
    get: { parameters: ById; requestBody?: never; responses: Answer<components['schemas']['Conversation']> };
  };
  '/api/v1/conversations/{id}/messages': {
    get: {
      parameters: ById<{ before?: number; after?: number; limit?: number }>;
      requestBody?: never;
      responses: Answer<components['schemas']['MessagePage']>;
    };
  };
  '/api/v1/conversations/{id}/read': {
    put: {
      parameters: ById;
      requestBody: Json<{ seq: number }>;
      responses: Answer<components['schemas']['ReadMark']>;
    };
  };
  '/api/v1/messages': {
    post: {
      parameters: None;
      requestBody: Json<{ to?: string; conversation_id?: string; client_id: string; body: string }>;
      responses: {
        200: Ok<components['schemas']['Message']>;
        201: Ok<components['schemas']['Message']>;
        default: Fail;
      };
    };
  };
  '/api/v1/messages/{id}': {
    get: { parameters: ById; requestBody?: never; responses: Answer<components['schemas']['Message']> };
  };
  '/api/v1/events': {
    get: {
      parameters: Query<{ after?: string; limit?: number }>;
      requestBody?: never;
      responses: Answer<components['schemas']['EntryPage']>;
    };
  };
}
