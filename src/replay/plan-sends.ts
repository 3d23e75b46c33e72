// What the program sends to the outside: a unix socket would be full of it where the network's was not, so the outside
// reads in time. Used by the second pass, plan-walk.ts.

import { leaveBefore } from './plan-outside.ts';
import { isShort, lengthOf, SEND_MAX, SEND_ROOM, sendCost } from './plan-record.ts';
import type { PlannedCall } from './plan-types.ts';
import { kernelResult } from './meaning.ts';

/** The outside reads what the program sends before a unix socket would be full of it. */
export function walkSend(call: PlannedCall): void {
  const { file, record } = call;
  if ((file?.kind !== 'stream' && file?.kind !== 'pipe') || file.endpoint < 0) return;
  const result = kernelResult(record);
  if (result === undefined) return;
  if (result < 0) {
    if (record.result.errno === 'EPIPE') call.before.push(...leaveBefore(call, file));
    return;
  }
  if (isShort(record, result)) return;
  const bytes = lengthOf(record) ?? result;
  if (call.mayWait && bytes > SEND_MAX) {
    call.during.push({ do: 'pump', endpoint: file.endpoint, bytes: bytes + file.unread });
    file.unread = 0;
    return;
  }
  if (file.full || (file.unread > 0 && file.unread + sendCost(bytes) > SEND_ROOM)) {
    call.before.push({ do: 'drain', endpoint: file.endpoint });
    file.full = false;
    file.unread = 0;
  }
  file.unread += sendCost(bytes);
}
