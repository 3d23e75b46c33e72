// Adds to package-lock.json the packages for other platforms that npm left out. Run it after `npm install PACKAGE`.
//
// Where a registry does not carry every platform's build of a tool, npm writes a lockfile without them, and `npm ci` then
// refuses that lockfile on every platform. The tools pin those packages exactly, and their names say what they are for, so
// the entries follow from what is there. They carry no checksum, for nothing was fetched that one could be taken of.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const file = join(dirname(fileURLToPath(import.meta.url)), '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const platform =
  /[-/](?<os>android|darwin|freebsd|linux|openharmony|win32)-(?<cpu>arm64|arm|x64|ia32|ppc64|riscv64|s390x)(?:-(?<abi>\w+))?$/;

function entryFor(name, version, sibling) {
  const { os, cpu, abi } = platform.exec(name)?.groups ?? {};
  if (os === undefined || !/^\d+\.\d+\.\d+$/.test(version))
    throw new Error(`${name} ${version}: not a platform package`);
  const libc = os !== 'linux' ? null : abi?.startsWith('musl') ? 'musl' : 'glibc';
  const { dev, license, engines } = sibling;
  return {
    version,
    cpu: [cpu],
    ...(dev ? { dev } : {}),
    ...(libc ? { libc: [libc] } : {}),
    ...(license ? { license } : {}),
    optional: true,
    os: [os],
    ...(engines ? { engines } : {}),
  };
}

let added = 0;
for (const parent of Object.values(lock.packages)) {
  const optional = Object.entries(parent.optionalDependencies ?? {});
  const sibling = optional.map(([name]) => lock.packages[`node_modules/${name}`]).find((each) => each !== undefined);
  for (const [name, version] of optional) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined || sibling === undefined) continue;
    lock.packages[key] = entryFor(name, version, sibling);
    added++;
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([left], [right]) => left.localeCompare(right, 'en')),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.error(`${added} packages added`);
