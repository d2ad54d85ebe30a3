import { existsSync, globSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { freePort } from '../port.ts'
import { answer, run, start } from '../process.ts'
import { until } from '../wait.ts'
import type { Part } from './part.ts'

/** A cluster of our own, in its own directory; another server only when TEST_POSTGRESQL_URL names it. */
export const postgresql: Part<'postgresql'> = {
  packages: ['postgresql'],
  async find() {
    const url = process.env.TEST_POSTGRESQL_URL
    if (!url) return undefined
    await ask(url)
    return { version: 'from TEST_POSTGRESQL_URL', endpoint: { url } }
  },
  isInstalled: async () => programs() !== undefined,
  async start() {
    const directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-postgresql-'))
    const port = await freePort()
    await initialise(directory)
    const server = start(
      ...asItsUser(join(programs() ?? '', 'postgres'), [
        ...['-D', join(directory, 'data'), '-p', String(port), '-c', 'listen_addresses=127.0.0.1'],
        ...['-c', 'unix_socket_directories=', '-c', 'fsync=off', '-c', 'max_connections=50'],
      ]),
    )
    const stop = async () => {
      await server.stop({ signal: 'SIGINT' }) // does not wait for clients
      await rm(directory, { recursive: true, force: true })
    }
    const url = `postgresql://${administrator}:${password}@127.0.0.1:${port}/postgres`
    try {
      await server.until('database system is ready to accept connections')
      await until(
        () =>
          ask(url).then(
            () => true,
            () => false,
          ),
        { describe: `PostgreSQL to answer; it wrote:\n${server.output}` },
      )
    } catch (error) {
      await stop()
      throw error
    }
    return { version: (await version()) ?? '', endpoint: { url }, stop }
  },
}

const administrator = 'sandbox'
const password = 'sandbox'

/** Debian keeps each major version's programs in a directory of their own. */
const programs = () =>
  globSync('/usr/lib/postgresql/*/bin')
    .filter((bin) => existsSync(join(bin, 'initdb')))
    .sort()
    .at(-1)

const version = async () => /[\d.]+/.exec((await answer(join(programs() ?? '', 'postgres'), ['--version'])) ?? '')?.[0]

async function initialise(directory: string): Promise<void> {
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, password)
  if (isRoot) await run('chown', ['-R', 'postgres:postgres', directory])
  const { code, output } = await outcome(
    ...asItsUser(join(programs() ?? '', 'initdb'), [
      ...['-D', join(directory, 'data'), '--username', administrator, '--pwfile', passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
    ]),
  )
  if (code !== 0) throw new Error(`initdb failed: ${output}`)
}

async function outcome(command: string, args: string[]) {
  const { code, stdout, stderr } = await run(command, args)
  return { code, output: `${stdout}${stderr}`.trim() }
}

const isRoot = process.getuid?.() === 0

/** PostgreSQL refuses to run as root. A change of user forgets who shall be told of our death, so it is said again. */
function asItsUser(command: string, args: string[]): [command: string, args: string[]] {
  if (!isRoot) return [command, args]
  const user = ['--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', '--pdeathsig', 'KILL']
  return ['setpriv', [...user, '--', command, ...args]]
}

async function ask(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, fetch_types: false })
  try {
    await sql`SELECT 1`
  } finally {
    await sql.end()
  }
}
