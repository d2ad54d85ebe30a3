import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answer, run } from '../process.ts'
import { debianMirror } from './apt.ts'
import { cacheDirectory } from './cache.ts'
import type { Part } from './part.ts'

/** Docker Compose out of Debian's packages, unpacked but not installed: two releases, side by side. */
export const compose: Part<'compose'> = {
  packages: [],
  find: async () => (Object.values(suites).every((suite) => existsSync(programOf(suite))) ? found() : undefined),
  isInstalled: async () => (await answer('apt-get', ['--version'])) !== undefined,
  async start() {
    await Promise.all(Object.values(suites).map(download))
    return found()
  },
}

/** They carry 2.40 and 2.26. */
const suites = { current: 'sid', older: 'trixie' }

const programOf = (suite: string) => join(cacheDirectory, `docker-compose-${suite}`)

async function found() {
  const endpoint = { current: programOf(suites.current), older: programOf(suites.older) }
  const versions = await Promise.all(Object.values(endpoint).map((path) => answer(path, ['version', '--short'])))
  return { version: versions.join(', '), endpoint }
}

async function download(suite: string): Promise<void> {
  if (existsSync(programOf(suite))) return
  const scratch = join(cacheDirectory, `apt-${suite}`)
  const env = { APT_CONFIG: join(scratch, 'apt.conf') }
  await writeAptDirectory(scratch, suite)
  try {
    await shell(
      `apt-get --quiet=2 update && apt-get --quiet=2 download docker-compose && dpkg-deb --extract docker-compose_*.deb .`,
      scratch,
      env,
    )
    await rename(join(scratch, 'usr/libexec/docker/cli-plugins/docker-compose'), programOf(suite))
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
