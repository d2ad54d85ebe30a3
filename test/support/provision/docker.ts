import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answer, type Program, start } from '../process.ts'
import { until } from '../wait.ts'
import { cacheDirectory } from './cache.ts'
import type { Found, Part } from './part.ts'

/** Every image made for tests carries this label, and so does every container that is made from one. */
export const testLabel = 'dev.celery-sandbox.test'

export const docker: Part<'docker'> = {
  // debootstrap makes the images' base.
  packages: ['docker.io', 'debootstrap'],
  find: engine,
  isInstalled: async () => (await answer('dockerd', ['--version'])) !== undefined,
  async start() {
    if (process.getuid?.() !== 0) throw new Error('no engine answers, and only root can start one')
    const daemon = start('sh', ['-c', 'exec dockerd > "$0" 2>&1', logFile], { whenOrphaned: 'TERM' })
    const found = await until(async () => (daemon.exit ? Promise.reject(await whyItEnded()) : engine()), {
      timeoutMs: 60_000,
      everyMs: 200,
      describe: `dockerd to answer; its log is ${logFile}`,
    })
    return { ...found, stop: () => stopEngine(daemon) }
  },
}

const logFile = join(cacheDirectory, 'dockerd.log')

/** The engine that the docker command would use, if it answers. */
async function engine(): Promise<Found<'docker'> | undefined> {
  const version = await answer('docker', ['version', '--format', '{{.Server.Version}}'])
  const host =
    process.env.DOCKER_HOST ??
    (await answer('docker', ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']))
  return version && host ? { version, endpoint: { host } } : undefined
}

async function whyItEnded(): Promise<Error> {
  const lines = (await readFile(logFile, 'utf8')).trim().split('\n')
  return new Error(`dockerd ended: ${lines.at(-1)} (${logFile})`)
}

async function stopEngine(daemon: Program): Promise<void> {
  await removeLeftovers()
  await daemon.stop({ timeoutMs: 30_000 })
}

async function removeLeftovers(): Promise<void> {
  const list = async (...args: string[]) =>
    (await answer('docker', [...args, '--quiet', '--filter', `label=${testLabel}`]))?.split('\n') ?? []
  const containers = (await list('ps', '--all')).filter(Boolean)
  if (containers.length) await answer('docker', ['rm', '--force', '--volumes', ...containers])
  const networks = (await list('network', 'ls')).filter(Boolean)
  if (networks.length) await answer('docker', ['network', 'rm', ...networks])
}
