/**
 * The CPUs' threads, from the host: started, asked something while at rest (comlink), given back. A thread that ends by
 * itself is told of, with what is known of the reason.
 */
import { MessageChannel } from 'node:worker_threads';
import * as Comlink from 'comlink';
import type { Piscina } from 'piscina';
import type { CpuControl, CpuEnd } from '../cpu-worker/main.ts';
import type { CheckedOptions } from './config.ts';
import { startPool } from './pool.ts';

/** How a CPU's thread ended: as the CPU told, or, with an error, without a word of its own. */
export type ThreadEnd = CpuEnd | { readonly index: number; readonly error: Error };

export class CpuThreads {
  private readonly pool: Piscina;
  private readonly controls: Comlink.Remote<CpuControl>[] = [];
  private readonly ends: Promise<unknown>[] = [];

  /** @param ended called once for each thread; for an error that no CPU can be blamed for, with index -1 */
  constructor(memory: SharedArrayBuffer, options: CheckedOptions, ended: (end: ThreadEnd) => void) {
    this.pool = startPool(memory, options);
    this.pool.on('error', (error: Error) => ended({ index: -1, error }));
    for (let index = 0; index < options.config.cpus; index++) {
      const { port1, port2 } = new MessageChannel();
      port1.unref();
      this.controls.push(Comlink.wrap<CpuControl>(port1 as unknown as Comlink.Endpoint));
      const end = this.pool.run({ index, port: port2 }, { transferList: [port2] }) as Promise<CpuEnd>;
      this.ends.push(end.then(ended, (error: Error) => ended({ index, error })));
    }
  }

  /** What CPU `index` answers while it is at rest. */
  cpu(index: number): Comlink.Remote<CpuControl> {
    return this.controls[index]!;
  }

  /** Asks every CPU; they answer once they are at rest. */
  all<T>(ask: (cpu: Comlink.Remote<CpuControl>) => Promise<T>): Promise<T[]> {
    return Promise.all(this.controls.map(ask));
  }

  /** Gives the threads back: those that have not stopped after the limit are terminated where they are. */
  async close(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), limitMs);
      timer.unref();
    });
    const first = await Promise.race([Promise.all(this.ends), late]);
    clearTimeout(timer);
    if (first === 'late') await this.pool.destroy();
    else await this.pool.close({ force: true });
  }

  /** The control plane's proxies; nobody asks any more. */
  release(): void {
    for (const control of this.controls) control[Comlink.releaseProxy]();
  }
}
