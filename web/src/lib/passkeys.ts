import { ApiProblem } from './api';
import { messages } from './messages';

/*
 * The browser's half of passkeys. The server makes the options and judges the answers; here they only
 * change their form. Everything throws ApiProblem.
 */

type Json = Record<string, unknown>;

/** Whether this browser can use what the server sends (WebAuthn Level 3). */
export function passkeysPossible(): boolean {
  return typeof PublicKeyCredential !== 'undefined' && 'parseRequestOptionsFromJSON' in PublicKeyCredential;
}

/** Whether the browser offers passkeys among what it fills in (conditional mediation). */
export async function passkeysOffered(): Promise<boolean> {
  if (!passkeysPossible() || !('isConditionalMediationAvailable' in PublicKeyCredential)) return false;
  return PublicKeyCredential.isConditionalMediationAvailable();
}

/** The offer that waits; a browser does one thing with passkeys at a time, and what was asked for comes first. */
let offer: AbortController | undefined;

/** Has the browser offer passkeys in the form that is on screen until `signal`; undefined when none was taken. */
export async function offerPasskey(options: unknown, signal: AbortSignal): Promise<Json | undefined> {
  const own = new AbortController();
  signal.addEventListener('abort', () => own.abort());
  if (signal.aborted) return undefined;
  offer?.abort();
  offer = own;
  try {
    return await askFor(options, { mediation: 'conditional', signal: own.signal });
  } catch {
    return undefined;
  }
}

/** Has the device make a passkey. */
export async function createPasskey(options: unknown): Promise<Json> {
  offer?.abort();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  );
  return answer(() => navigator.credentials.create({ publicKey }));
}

/** Has the person show a passkey. */
export function getPasskey(options: unknown): Promise<Json> {
  offer?.abort();
  return askFor(options);
}

async function askFor(options: unknown, manner: CredentialRequestOptions = {}): Promise<Json> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  );
  return answer(() => navigator.credentials.get({ publicKey, ...manner }));
}

async function answer(ask: () => Promise<Credential | null>): Promise<Json> {
  let credential: Credential | null = null;
  let known = false;
  try {
    credential = await ask();
  } catch (error) {
    // Browsers do not say whether the person said no, waited too long or has no passkey.
    known = error instanceof DOMException && error.name === 'InvalidStateError';
  }
  if (credential instanceof PublicKeyCredential) return credential.toJSON() as Json;
  const t = messages.twoStep;
  throw new ApiProblem({
    slug: 'passkey-cancelled',
    status: 400,
    detail: known ? t.passkeyKnown : t.passkeyCancelled,
  });
}
