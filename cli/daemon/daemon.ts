import { nodePath } from '../../src/index.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { launch, takeLauncher } from './launch.ts'
import type { DaemonOptions } from './options.ts'
import { takePidfile } from './pidfile.ts'
import { becomeUser } from './user.ts'

/** A daemon runs in the background now, or tries to start there. */
export interface Detached {
  readonly type: 'detached'
  readonly hostname: string
  readonly pid: number
  readonly isReady: boolean
}

/** How a worker or a beat runs, once it is where it shall run. */
export type Serve<E> = (context: Context, onReady: () => void) => AsyncIterable<E>

/**
 * Takes the place that the options ask for (umask, user, directory), and serves there, holding the pid file; or, with
 * `--detach`, starts a process that does.
 */
export async function* asDaemon<E>(
  context: Context,
  options: DaemonOptions & { readonly logfile: string | undefined },
  hostname: string,
  serve: Serve<E>,
): AsyncIterable<E | Detached> {
  const launcher = takeLauncher()
  // A daemon was started in its place.
  if (!launcher) takePlace(options)
  const here = { ...context, cwd: process.cwd() }
  const { detach, executable } = options
  if (detach && !launcher) {
    const logfile = options.logfile && nodePath(options.logfile, hostname)
    yield { type: 'detached', hostname, ...(await launch({ logfile, executable }, here)) }
    return
  }
  try {
    const release = options.pidfile === undefined ? () => {} : takePidfile(nodePath(options.pidfile, hostname))
    try {
      yield* serve(here, () => launcher?.ready())
    } finally {
      release()
    }
  } catch (error) {
    launcher?.failed(error)
    throw error
  }
}

function takePlace({ umask, uid, gid, workdir }: DaemonOptions): void {
  if (umask !== undefined) process.umask(umask)
  becomeUser(uid, gid)
  if (workdir === undefined) return
  try {
    process.chdir(workdir)
  } catch (cause) {
    throw new CliError('USAGE', `cannot go to --workdir ${workdir}`, { cause })
  }
}

/** How the start of a daemon reads. */
export function detachedText({ hostname, pid, isReady }: Detached): string {
  if (isReady) return `${hostname} runs in the background (pid ${pid})`
  return `${hostname} is in the background (pid ${pid}), but not ready yet: its log may say why`
}
