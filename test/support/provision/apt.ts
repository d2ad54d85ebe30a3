import { existsSync } from 'node:fs'
import { run } from '../process.ts'
import { until } from '../wait.ts'

export const debianMirror = 'http://deb.debian.org/debian'

let queue: Promise<unknown> = Promise.resolve()
let updated: Promise<void> | undefined

/**
 * Installs Debian packages, one call after the other.
 *
 * @throws where that is not possible: not Debian, not root, no such package, no network.
 */
export function install(packages: readonly string[]): Promise<void> {
  const installed = queue.then(async () => {
    if (!existsSync('/etc/debian_version')) throw new Error('not installed, and no Debian to install it on')
    if (process.getuid?.() !== 0) throw new Error(`not installed; as root: apt-get install ${packages.join(' ')}`)
    // A source that cannot be read may be one that is not needed; if it is, the installation says so.
    updated ??= apt(['update']).catch(() => {})
    await updated
    await apt(['install', '--yes', '--no-install-recommends', ...packages])
  })
  queue = installed.catch(() => {})
  return installed
}

const options = ['--quiet=2', '--option=DPkg::Lock::Timeout=600', '--option=Acquire::Retries=3']

const env = {
  DEBIAN_FRONTEND: 'noninteractive',
  LC_ALL: 'C',
  // Services are ours to start, on ports and in directories of our own: in this runlevel no package starts one.
  RUNLEVEL: '1',
}

async function apt(args: string[]): Promise<void> {
  const outcome = await until(
    async () => {
      const attempt = await run('apt-get', [...options, ...args], { env, timeoutMs: 900_000 })
      // DPkg::Lock::Timeout waits for dpkg's lock alone, not for those of the lists and the archives.
      return !/could not get lock|unable to lock/i.test(attempt.stderr) && attempt
    },
    { timeoutMs: 600_000, everyMs: 2000, describe: 'another apt to finish' },
  )
  if (outcome.code !== 0)
    throw new Error(`apt-get ${args.join(' ')}: ${outcome.stderr.trim() || outcome.stdout.trim()}`)
}
