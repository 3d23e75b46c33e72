// Sockets find each other: names in the machine for the addresses of the trace, and the outside where a peer is not in it.
//
// A connection that the program opens to the outside gets a listener of its own, so that no two of them can be taken for
// each other: the outside listens just before the call and accepts just after it.

import { EINPROGRESS } from '../kernel/abi/errno.ts';
import { addressIn, kernelResult } from './meaning.ts';
import { FILES } from './outside-calls.ts';
import { plainName } from './plan-names.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlannedCall } from './plan-types.ts';
import * as verdict from './plan-verdict.ts';
import type { ScriptArgument } from './script.program.ts';
import { numberIn } from './value.ts';

/** What a unix socket can answer to a connect. */
const unixAnswers: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EISCONN',
  'EAGAIN',
  'EINVAL',
  'EBADF',
  'ENOTSOCK',
  'EFAULT',
]);

/** The machine's name for the address of a bind. An address that several sockets share is several names. */
export function bindName(state: ResolveState, call: PlannedCall): ScriptArgument[] | undefined {
  const value = call.record.args[1]?.value;
  const address = addressIn(value);
  const slot = state.slotOf(numberIn(call.record.args[0]?.value) ?? -1);
  if (address === undefined || slot === undefined) return undefined;
  const succeeds = call.record.outcome === 'returned';
  const taken = state.files.files.some((file) => file.address === address && file.slots.size > 0);
  const anyPort = /^inet6?:.*:0$/.test(address) || address === 'unix:';
  const name = (succeeds && taken) || anyPort ? state.freshName(address) : plainName(address);
  if (call.record.result.errno === 'EADDRINUSE' && !taken) {
    call.before.push({ do: 'listen', endpoint: state.endpoint('socket'), address: name });
  }
  if (succeeds && call.file !== undefined) {
    call.file.address = address;
    call.file.name = name;
  }
  return [{ fd: slot }, { bytes: name }, name.length];
}

export function beginConnect(state: ResolveState, call: PlannedCall): ScriptArgument[] | undefined {
  const value = call.record.args[1]?.value;
  const address = addressIn(value);
  const slot = state.slotOf(numberIn(call.record.args[0]?.value) ?? -1);
  const file = call.file;
  if (address === undefined || slot === undefined || file === undefined) return undefined;
  const result = kernelResult(call.record);
  const errno = call.record.result.errno ?? '';
  const made = result === 0 || result === -EINPROGRESS;
  if (!made && (file.connected || !unixAnswers.has(errno))) {
    verdict.impose(call, verdict.OUTSIDE_CONNECT);
    return [];
  }
  const listener = state.listenerAt(address);
  if (errno === 'ECONNREFUSED' && /^unix:[^@]/.test(address) && listener === undefined) {
    verdict.impose(call, FILES);
    return [];
  }
  // What goes over the network goes through the outside, at both ends.
  const inside = listener?.inbox !== undefined && !file.internet;
  let name = plainName(address);
  if (inside && listener.name !== undefined) name = listener.name;
  else if (made) {
    const server = state.endpoint('socket');
    const peer = state.endpoint('accepted');
    name = state.freshName(address);
    call.before.push({ do: 'listen', endpoint: server, address: name });
    state.later(call.thread, { do: 'accept', listener: server, endpoint: peer });
    file.endpoint = peer;
  }
  if (result === -EINPROGRESS) {
    call.verdict = 'imposed';
    call.reason = verdict.OUTSIDE_CONNECT;
    // Not writable until the trace says so.
    if (!inside) call.extra = { fills: slot };
  }
  if (made && inside && listener.inbox !== undefined) {
    call.outputs.push({ channel: listener.inbox, amount: 1, ends: false });
    listener.clients.push(file);
  }
  if (made) file.connected = true;
  return [{ fd: slot }, { bytes: name }, name.length];
}
