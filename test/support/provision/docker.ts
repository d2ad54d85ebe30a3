import { mkdir, readFile, rm } from 'node:fs/promises'
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
  find: async () => (await engineAt(await usualHost())) ?? (await engineAt(own.host)),
  isInstalled: async () => (await answer('dockerd', ['--version'])) !== undefined,
  async start() {
    if (process.getuid?.() !== 0) throw new Error('no engine answers, and only root can start one')
    // A daemon that was killed while it made a network leaves a record on which the next one panics.
    await rm(join(own.data, 'network'), { recursive: true, force: true })
    await mkdir(own.run, { recursive: true })
    const daemon = start('sh', ['-c', `exec dockerd ${ownOptions} > "${own.log}" 2>&1`], { whenOrphaned: 'TERM' })
    const found = await until(async () => (daemon.exit ? Promise.reject(await whyItEnded()) : engineAt(own.host)), {
      timeoutMs: 60_000,
      everyMs: 200,
      describe: `dockerd to answer; its log is ${own.log}`,
    })
    return { ...found, stop: () => stopEngine(daemon) }
  },
}

/** The engine that is started here shares nothing with one that the machine has, not even its images. */
const own = {
  data: join(cacheDirectory, 'docker'),
  log: join(cacheDirectory, 'dockerd.log'),
  run: '/run/celery-sandbox-test',
  host: 'unix:///run/celery-sandbox-test/docker.sock',
}

const ownOptions = [
  `--data-root "${own.data}"`,
  `--exec-root "${own.run}"`,
  `--pidfile "${own.run}/docker.pid"`,
  `--host "${own.host}"`,
].join(' ')

async function engineAt(host: string | undefined): Promise<Found<'docker'> | undefined> {
  const version =
    host && (await answer('docker', ['version', '--format', '{{.Server.Version}}'], { env: { DOCKER_HOST: host } }))
  return version ? { version, endpoint: { host } } : undefined
}

/** Where the docker command looks. */
const usualHost = async () =>
  process.env.DOCKER_HOST ?? (await answer('docker', ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']))

async function whyItEnded(): Promise<Error> {
  const lines = (await readFile(own.log, 'utf8')).trim().split('\n')
  const reason = lines.findLast((line) => /^(panic|fatal|failed)|level=fatal/.test(line)) ?? lines.at(-1)
  return new Error(`dockerd ended: ${reason} (${own.log})`)
}

const ask = (args: string[]) => answer('docker', args, { env: { DOCKER_HOST: own.host } })

async function stopEngine(daemon: Program): Promise<void> {
  await removeLeftovers()
  await daemon.stop({ timeoutMs: 30_000 })
}

async function removeLeftovers(): Promise<void> {
  const list = async (...args: string[]) =>
    (await ask([...args, '--quiet', '--filter', `label=${testLabel}`]))?.split('\n') ?? []
  const containers = (await list('ps', '--all')).filter(Boolean)
  if (containers.length) await ask(['rm', '--force', '--volumes', ...containers])
  const networks = (await list('network', 'ls')).filter(Boolean)
  if (networks.length) await ask(['network', 'rm', ...networks])
}
