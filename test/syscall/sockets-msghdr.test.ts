// sendmsg, recvmsg, getsockopt and setsockopt as a guest sees them; the rules are named in sockets-msghdr.program.ts.
import { describe, expect, it } from 'vitest';
import { runScenario } from './scenario.ts';

const run = (scenario: string): Promise<number> => runScenario('sockets-msghdr', scenario);

describe('messages with headers', () => {
  it('are sent and received as Linux does', async () => expect(await run('messagesHaveHeaders')).toBe(0));
});

describe('options of sockets', () => {
  it('are kept, answered and refused as Linux does', async () => expect(await run('optionsAreKept')).toBe(0));
  it('size the buffers', async () => expect(await run('buffersAreSized')).toBe(0));
});
