import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs } from '@zxcvbn-ts/language-common';
import common from './common-passwords.json';

const meter = new ZxcvbnFactory({ graphs: adjacencyGraphs, dictionary: { passwords: common } });

/** How strong a password is, 0 to 4. Loaded lazily: it brings its word list with it. */
export function strength(password: string): number {
  return meter.check(password.slice(0, 100)).score;
}
