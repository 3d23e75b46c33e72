/**
 * Boot options: every one has a default, and a wrong one is named with what it may be.
 */
import { z } from 'zod';
import type { BootConfig } from '../kernel/boot/plan.ts';
import { defaultBootConfig } from '../kernel/boot/plan.ts';
import { DESIGN_NAMES } from '../kernel/epoll/source-ops.ts';
import type { BootConstants } from '../shared-mem/boot-constants.ts';
import { parseLockChoice } from '../shared-mem/locks/choice.ts';
import { BootError } from './errors.ts';

const d = defaultBootConfig;
const count = (max: number, fallback: number) => z.number().int().min(1).max(max).default(fallback);

/** Designs that this build can boot. */
export const BOOTABLE_DESIGNS = DESIGN_NAMES.slice(0, 1);

export const bootOptionsSchema = z.strictObject({
  /** Worker threads, each a CPU. */
  cpus: count(64, d.cpus),
  hz: count(10_000, d.hz),
  epoll: z.enum(['kevlar', ...DESIGN_NAMES]).default(d.epoll),
  abi: z.enum(['x86_64', 'arm64']).default(d.abi),
  /** `ticket`, or `ttas,runqueue=ticket`: by class (docs/locks.md). */
  lock: z
    .string()
    .superRefine((text, context) => {
      const { problem } = parseLockChoice(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem.about });
    })
    .default(d.lock),
  /** How long an idle CPU spins before it sleeps, ns. */
  idleSpinNs: z.number().min(0).max(1e9).default(d.idleSpinNs),
  lockSpins: count(1e9, d.lockSpins),
  sliceTicks: count(1e6, d.sliceTicks),
  seed: z.number().int().default(d.seed),
  tasks: count(1 << 20, d.tasks),
  processes: count(65_536, d.processes),
  files: count(1 << 23, d.files),
  nofile: count(1 << 20, d.nofile),
  epolls: count(1 << 20, d.epolls),
  interests: count(1 << 23, d.interests),
  pipes: count(1 << 18, d.pipes),
  sockets: count(1 << 20, d.sockets),
  pages: count(1 << 18, d.pages),
  userBytes: z
    .number()
    .int()
    .min(4096)
    .max(1 << 30)
    .multipleOf(4096)
    .default(d.userBytes),
  checks: z.boolean().default(false),
  profile: z.boolean().default(true),
  fastPath: z.boolean().default(true),
  pollCache: z.boolean().default(true),
  warp: z.boolean().default(false),
  /** A CPU that stays in kernel code for so long without moving is lost, ms. */
  lockupMs: z.number().min(100).default(10_000),
});
/** What `Machine.boot` takes; every field has a default. */
export type BootOptions = z.input<typeof bootOptionsSchema>;

export interface CheckedOptions {
  readonly config: BootConfig;
  readonly constants: BootConstants;
  readonly lockupMs: number;
}

/** @throws BootError that names the option, what it was, and what it may be */
export function checkBootOptions(options: BootOptions): CheckedOptions {
  const parsed = bootOptionsSchema.safeParse(options);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'options'}: ${issue.message}`);
    throw new BootError(`the machine cannot boot so: ${problems.join('; ')}`);
  }
  const { checks, profile, fastPath, pollCache, warp, lockupMs, ...config } = parsed.data;
  if (!BOOTABLE_DESIGNS.includes(config.epoll as (typeof BOOTABLE_DESIGNS)[number])) {
    throw new BootError(`epoll: ${config.epoll} is not built yet; this version boots ${BOOTABLE_DESIGNS.join(', ')}`);
  }
  return { config, constants: { checks, profile, fastPath, pollCache, warp }, lockupMs };
}
