// Descriptors that travel in messages (SCM_RIGHTS): whoever reads next gets them, in the order in which they were sent.
// While they are on their way they hold their files.

import { passedDescriptorsIn } from './meaning.ts';
import { isUnheld, NEVER_OPENED } from './plan-files.ts';
import { open, vanishes } from './plan-open.ts';
import type { ResolveState } from './plan-state.ts';
import type { PlannedCall } from './plan-types.ts';

/** A message was sent; what goes to the outside is gone. */
export function rightsSent(state: ResolveState, call: PlannedCall): void {
  const numbers = passedDescriptorsIn(call.record.args[1]?.value);
  const to = call.file?.outbox?.file;
  if (numbers.length === 0 || to === undefined) return;
  const files = numbers.map((number) => state.descriptors.known(number).file);
  for (const file of files) file.inFlight++;
  to.rights.push(files);
}

/** A message was received. Descriptors that the outside sent are of files that the trace never opened. */
export function rightsReceived(state: ResolveState, call: PlannedCall): void {
  const numbers = passedDescriptorsIn(call.record.args[1]?.value);
  if (numbers.length === 0) return;
  const opens: number[] = [];
  const files = call.file?.rights.shift() ?? [];
  numbers.forEach((number, place) => {
    const file = files[place] ?? state.files.file('foreign', NEVER_OPENED);
    if (files[place] !== undefined) file.inFlight--;
    const slot = open(state, call, number, file);
    opens.push(file.reason === '' ? slot.id : -1);
  });
  call.extra = { ...call.extra, rights: true, opens };
  // Those for which there was no room are closed.
  for (const file of files.slice(numbers.length)) {
    file.inFlight--;
    if (isUnheld(file)) vanishes(state, call, file);
  }
}
