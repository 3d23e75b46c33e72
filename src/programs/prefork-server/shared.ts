/**
 * What the server's parent, its workers and the load agree upon: options, the address, messages.
 */

export type Handing = 'epoll' | 'accept' | 'rights';

export interface PreforkOptions {
  readonly workers?: number;
  readonly clients?: number;
  /** Requests of each client, a connection each. */
  readonly requests?: number;
  /** How a connection comes to a worker: each has an epoll, each blocks in accept, or the parent accepts and hands it on. */
  readonly how?: Handing;
  /** With epoll: EPOLLEXCLUSIVE. */
  readonly exclusive?: boolean;
  /** One request ends the worker that gets it. */
  readonly crash?: boolean;
}

export function settingsOf(options: PreforkOptions | undefined): Required<PreforkOptions> {
  const { workers = 3, clients = 4, requests = 25, how = 'epoll', exclusive = false, crash = true } = options ?? {};
  return { workers, clients, requests, how, exclusive, crash };
}

export const ADDRESS = 'smplab-prefork-server';

/** A request: its number, and whether it ends the worker. */
export const REQUEST_NUMBER = 0;
export const REQUEST_DEADLY = 4;
export const REQUEST_BYTES = 8;
/** The answer: the number again, and whose it is. */
export const ANSWER_NUMBER = 0;
export const ANSWER_WORKER = 4;
export const ANSWER_BYTES = 8;

/** A descriptor does not travel alone: so many bytes go with it. */
export const HANDED_BYTES = 8;

/** What comes through the report's pipe, whole, for it is short: a count of one kind, for one worker. */
export const REPORT_KIND = 0;
export const REPORT_WORKER = 4;
export const REPORT_COUNT = 8;
export const REPORT_BYTES = 12;
/** Answers of this worker, as the clients counted them; attempts that ended without one; wakeups that found nothing. */
export const ANSWERS = 1;
export const RETRIES = 2;
export const IN_VAIN = 3;

/** What a child finds at its argument. */
export const CHILD_WORKER = 0;
export const CHILD_LISTENER = 4;
export const CHILD_REPORT = 8;
/** The worker's end of the channel through which it is handed connections, or -1. */
export const CHILD_CHANNEL = 12;
export const CHILD_BYTES = 16;
