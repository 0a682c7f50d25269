import { ApiProblem, api, call, type Me } from './api';
import { problemOf } from './api/problem';
import { messages } from './messages';
import { pictureChanged } from './pictures';
import { queryClient } from './query-client';
import { keys } from './store';
import { currentToken, refreshToken } from './token';

/** The kinds that the server takes. */
export const PICTURE_TYPES = 'image/png,image/jpeg,image/gif,image/webp';

const LARGEST = 5 << 20;
/** What is larger is drawn smaller first: the server keeps 512 pixels. */
const SHRINK_OVER = 512 << 10;
const SHRINK_TO = 1024;

/** Shows a picture of oneself from now on; `onProgress` gets 0 to 1. Throws ApiProblem. */
export async function putPicture(file: Blob, onProgress: (done: number) => void): Promise<void> {
  const body = await shrunk(file);
  if (body.size > LARGEST) {
    throw new ApiProblem({ slug: 'too-large', status: 413, detail: messages.picture.tooLarge });
  }
  let token = currentToken() ?? (await refreshToken(undefined))?.access_token;
  let answer = await send(body, token, onProgress);
  if (answer.status === 401) {
    token = (await refreshToken(token))?.access_token;
    answer = await send(body, token, onProgress);
  }
  if (answer.status !== 200) {
    throw problemOf(new Response(null, { status: answer.status }), answer.body);
  }
  showPicture(answer.body as Me);
}

/** Shows no picture of oneself. Throws ApiProblem. */
export async function removePicture(): Promise<void> {
  await call(api.DELETE('/api/v1/users/me/picture', {}));
  showPicture(await call(api.GET('/api/v1/users/me', {})));
}

function showPicture(me: Me): void {
  queryClient.setQueryData<Me>(keys.me, me);
  pictureChanged(me.id, me.picture);
}

/** A large picture drawn smaller; where the browser cannot, as it is: the server says what it thinks of it. */
async function shrunk(file: Blob): Promise<Blob> {
  if (file.size <= SHRINK_OVER) return file;
  try {
    const bitmap = await createImageBitmap(file);
    const side = Math.min(bitmap.width, bitmap.height);
    const edge = Math.min(side, SHRINK_TO);
    const canvas = document.createElement('canvas');
    canvas.width = edge;
    canvas.height = edge;
    const pen = canvas.getContext('2d');
    if (!pen) return file;
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, edge, edge);
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(
      bitmap,
      (bitmap.width - side) / 2,
      (bitmap.height - side) / 2,
      side,
      side,
      0,
      0,
      edge,
      edge,
    );
    bitmap.close();
    const drawn = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.92));
    return drawn ?? file;
  } catch {
    return file;
  }
}

interface Answer {
  status: number;
  body: unknown;
}

/** XMLHttpRequest, because fetch does not tell how much has been sent. */
function send(body: Blob, token: string | undefined, onProgress: (done: number) => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', '/api/v1/users/me/picture');
    request.responseType = 'json';
    request.timeout = 60_000;
    request.setRequestHeader('Content-Type', body.type || 'application/octet-stream');
    if (token) request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => resolve({ status: request.status, body: request.response as unknown });
    const failed = () =>
      reject(new ApiProblem({ slug: 'network', status: 0, detail: messages.errors.network }));
    request.onerror = failed;
    request.ontimeout = failed;
    request.send(body);
  });
}
