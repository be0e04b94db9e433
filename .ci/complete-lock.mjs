// Completes package-lock.json after `npm install`: names the builds of optional packages for other
// platforms that npm left out because the registry at hand did not have them. Without their names
// `npm ci` refuses the lock on every platform; with them it skips what is not for this machine.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = systems.find((one) => words.includes(one));
  const cpu = processors.find((one) => words.includes(one));
  const musl = words.some((one) => one.startsWith('musl'));
  const libc = musl ? ['musl'] : words.some((one) => one.startsWith('gnu')) ? ['glibc'] : null;
  return { os, cpu, libc };
}

const added = [];
for (const entry of Object.values({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    const { os, cpu, libc } = platformOf(name);
    if (os === undefined || cpu === undefined) continue;
    const dev = entry.dev === true ? { dev: true } : {};
    lock.packages[key] = {
      version,
      cpu: [cpu],
      ...dev,
      ...(libc === null ? {} : { libc }),
      optional: true,
      os: [os],
    };
    added.push(name);
  }
}

const names = Object.keys(lock.packages).toSorted((a, b) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(names.map((name) => [name, lock.packages[name]]));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added.length} entries added to package-lock.json\n`);
