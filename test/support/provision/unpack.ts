import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../process.ts'
import { debianMirror } from './apt.ts'
import { cacheDirectory } from './cache.ts'

/** One program out of a Debian package, unpacked but not installed. */
export interface Unpacked {
  readonly suite: string
  readonly package: string
  /** Its path in the package. */
  readonly file: string
}

/** Where it is, once it is there. */
export const unpackedPath = (program: Unpacked) =>
  join(cacheDirectory, `${program.file.split('/').at(-1)}-${program.suite}`)

export const isUnpacked = (program: Unpacked) => existsSync(unpackedPath(program))

/** Fetches the package, unless that was done before. */
export async function unpack(program: Unpacked): Promise<string> {
  const path = unpackedPath(program)
  if (existsSync(path)) return path
  const scratch = join(cacheDirectory, `apt-${program.package}-${program.suite}`)
  const env = { APT_CONFIG: join(scratch, 'apt.conf') }
  await writeAptDirectory(scratch, program.suite)
  try {
    await shell(
      `apt-get --quiet=2 update && apt-get --quiet=2 download ${program.package} && dpkg-deb --extract ${program.package}_*.deb .`,
      scratch,
      env,
    )
    await rename(join(scratch, program.file), path)
    return path
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** An apt of its own: its sources, lists and caches, so that the machine's stay as they are. */
async function writeAptDirectory(root: string, suite: string): Promise<void> {
  const directories = [
    'etc/apt/apt.conf.d',
    'etc/apt/preferences.d',
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
  ]
  for (const directory of directories) await mkdir(join(root, directory), { recursive: true })
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  await writeFile(join(root, 'etc/apt/sources.list'), `deb [signed-by=${keyring}] ${debianMirror} ${suite} main\n`)
  await writeFile(join(root, 'status'), '')
  await writeFile(
    join(root, 'apt.conf'),
    [
      `Dir "${root}";`,
      `Dir::State::status "${root}/status";`,
      'Acquire::Languages "none";',
      // A mirror that stands still is good enough.
      'Acquire::Check-Valid-Until "false";',
      'APT::Sandbox::User "root";',
      '',
    ].join('\n'),
  )
}

async function shell(script: string, cwd: string, env: Record<string, string>): Promise<void> {
  const outcome = await run('sh', ['-c', script], { cwd, env, timeoutMs: 300_000 })
  if (outcome.code !== 0) throw new Error(`${script}: ${outcome.stderr.trim()}`)
}
