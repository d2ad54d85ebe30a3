import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseEngine } from '../../../../compose/engine/choose.ts'
import { connect } from '../../../../compose/engine/docker/connect.ts'
import { isExplicit, publishedHost, resolveEndpoint, type Tls } from '../../../../compose/engine/docker/endpoint.ts'
import { StackError } from '../../../../compose/errors.ts'
import { freePort } from '../../../support/port.ts'

let home = ''
const servers: Server[] = []

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'docker-home-'))
})

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
  rmSync(home, { recursive: true })
})

function writeContext(name: string, host: string, files: Record<string, string> = {}): void {
  const id = createHash('sha256').update(name).digest('hex')
  const meta = join(home, '.docker', 'contexts', 'meta', id)
  const tls = join(home, '.docker', 'contexts', 'tls', id, 'docker')
  mkdirSync(meta, { recursive: true })
  mkdirSync(tls, { recursive: true })
  writeFileSync(join(meta, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(tls, file), text)
}

function currentContext(name: string): void {
  mkdirSync(join(home, '.docker'), { recursive: true })
  writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify({ currentContext: name }))
}

/** An engine that answers pings. */
async function engineAt(socketPath: string, headers: Record<string, string>, status = 200): Promise<void> {
  const server = createServer((_, response) => response.writeHead(status, headers).end('OK'))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
}

async function codeOf(work: () => unknown): Promise<[string, string]> {
  try {
    await work()
  } catch (thrown) {
    if (thrown instanceof StackError) return [thrown.code, thrown.message]
    throw thrown
  }
  return ['', '']
}

describe('the endpoint of the docker CLI', () => {
  const resolve = (env: Record<string, string>) => resolveEndpoint({ HOME: home, ...env })

  it('is DOCKER_HOST, before any context', () => {
    writeContext('colima', 'unix:///colima.sock')
    currentContext('colima')
    expect(resolve({ DOCKER_HOST: 'unix:///here.sock', DOCKER_CONTEXT: 'colima' })).toEqual({
      url: 'unix:///here.sock',
      source: 'DOCKER_HOST',
      address: { socketPath: '/here.sock' },
    })
  })

  it('is DOCKER_CONTEXT, else the current context', () => {
    writeContext('colima', 'unix:///colima.sock')
    writeContext('other', 'tcp://engine:2376', { 'ca.pem': 'CA', 'cert.pem': 'CERT', 'key.pem': 'KEY' })
    currentContext('colima')
    expect(resolve({})).toMatchObject({ url: 'unix:///colima.sock', source: 'context colima' })
    expect(resolve({ DOCKER_CONTEXT: 'other' })).toMatchObject({
      source: 'context other',
      address: {
        host: 'engine',
        port: 2376,
        tls: { ca: Buffer.from('CA'), cert: Buffer.from('CERT'), key: Buffer.from('KEY'), rejectUnauthorized: true },
      },
    })
  })

  it('is the usual socket when nothing is chosen, or the context "default"', () => {
    expect(resolve({})).toMatchObject({ source: 'default' })
    expect(isExplicit(resolve({ DOCKER_CONTEXT: 'default' }))).toBe(false)
    expect(isExplicit(resolve({ DOCKER_HOST: 'tcp://127.0.0.1' }))).toBe(true)
  })

  it('may be another machine, which is where its ports are', () => {
    const distant = resolve({ DOCKER_HOST: 'tcp://build.example.com' })
    expect(distant.address).toEqual({ host: 'build.example.com', port: 2375, tls: undefined })
    expect(publishedHost(distant)).toBe('build.example.com')
    expect(publishedHost(resolve({ DOCKER_HOST: 'tcp://localhost:2375' }))).toBe('127.0.0.1')
    expect(publishedHost(resolve({}))).toBe('127.0.0.1')
  })

  it('must exist and be of a kind we can use', async () => {
    expect(await codeOf(() => resolve({ DOCKER_CONTEXT: 'nope' }))).toEqual([
      'DOCKER_CONTEXT_NOT_FOUND',
      `there is no Docker context "nope" in ${join(home, '.docker')} (named by DOCKER_CONTEXT)`,
    ])
    for (const host of ['ssh://me@there', 'tcp://[not::an::address', 'fd://', 'tcp://host:notaport']) {
      expect((await codeOf(() => resolve({ DOCKER_HOST: host })))[0]).toBe('DOCKER_ENDPOINT_UNSUPPORTED')
    }
    const ssh = await failureOf(() => resolve({ DOCKER_HOST: 'ssh://me@there/run/docker.sock' }))
    expect(ssh.next).toContain('ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock me@there;')
  })
})

async function failureOf(work: () => unknown): Promise<StackError> {
  try {
    await work()
  } catch (thrown) {
    if (thrown instanceof StackError) return thrown
    throw thrown
  }
  throw new Error('nothing failed')
}

describe('a connection that fails', () => {
  const tcp = (port: number, tls?: Tls) => ({
    url: `tcp://127.0.0.1:${port}`,
    source: 'DOCKER_HOST',
    address: { host: '127.0.0.1', port, tls },
  })

  async function listen(server: Server): Promise<number> {
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  it('says who named the context', async () => {
    writeContext('colima', 'unix:///gone.sock')
    currentContext('colima')
    const env = { HOME: home }
    expect((await failureOf(() => connect(resolveEndpoint(env), env))).message).toBe(
      `Docker not reachable at unix:///gone.sock (context colima, named by ${join(home, '.docker', 'config.json')}): there is no such socket`,
    )
  })

  it.runIf(process.getuid?.() === 0)('says that the user may not, and how he may', async () => {
    const socket = join(home, 'private.sock')
    await engineAt(socket, { 'api-version': '1.44' })
    chmodSync(home, 0o755)
    chmodSync(socket, 0o600)
    const nobody = 65534
    process.seteuid?.(nobody)
    const failure = await failureOf(() =>
      connect({ url: `unix://${socket}`, source: 'default', address: { socketPath: socket } }, {}),
    ).finally(() => process.seteuid?.(0))
    expect([failure.code, failure.message]).toEqual([
      'DOCKER_PERMISSION_DENIED',
      `Docker not reachable at unix://${socket}: your user may not use it`,
    ])
    expect(failure.next).toContain('group `docker`')
    expect(failure.next).not.toContain('chmod')
  })

  it('says so of a host and of a port', async () => {
    const port = await freePort()
    expect((await failureOf(() => connect(tcp(port), {}))).message).toContain('nobody listens on that port')
    const unknown = { ...tcp(2375), address: { host: 'nowhere.invalid', port: 2375, tls: undefined } }
    expect((await failureOf(() => connect(unknown, {}))).message).toContain('no such host is known')
  })

  it('says what is wrong with TLS', async () => {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-subj', '/CN=elsewhere', '-keyout', join(home, 'key.pem'), '-out', join(home, 'cert.pem')],
      ],
      { stdio: 'ignore' },
    )
    const [key, cert] = ['key.pem', 'cert.pem'].map((file) => readFileSync(join(home, file)))
    const secured = await listen(createSecureServer({ key, cert }, (_, response) => response.end()))
    const plain = await listen(createServer((_, response) => response.end()))
    const open = await listen(
      createServer((_, response) => response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.')),
    )
    const says = async (port: number, tls?: Tls) => (await failureOf(() => connect(tcp(port, tls), {}))).message
    const strict = { rejectUnauthorized: true }
    expect(await says(secured, strict)).toContain('not signed by an authority that is trusted here')
    expect(await says(secured, { ...strict, ca: cert as Buffer })).toContain('its certificate is for another host')
    expect(await says(plain, strict)).toContain('it does not speak TLS')
    expect(await says(open)).toContain('it wants TLS')
  })

  it('names the engines that would answer', async () => {
    mkdirSync(join(home, '.colima', 'default'), { recursive: true })
    const socket = join(home, '.colima', 'default', 'docker.sock')
    await engineAt(socket, { 'api-version': '1.44' })
    const env = { HOME: home, DOCKER_HOST: 'unix:///nope', XDG_RUNTIME_DIR: home }
    const wish = { wanted: 'docker', env, directory: home, commands: { broker: [], bin: [] } } as const
    const failure = await failureOf(() => chooseEngine(wish))
    expect(failure.details).toContain(`an engine answers at unix://${socket}: DOCKER_HOST=unix://${socket}`)
  })
})

describe('a connection', () => {
  const at = (socketPath: string) => ({ url: `unix://${socketPath}`, source: 'DOCKER_HOST', address: { socketPath } })

  it('speaks the newest version that both know', async () => {
    await engineAt(join(home, 'old.sock'), { 'api-version': '1.43' })
    await engineAt(join(home, 'new.sock'), { 'api-version': '1.99' })
    expect(await connect(at(join(home, 'old.sock')), {})).toMatchObject({ apiVersion: '1.43' })
    expect(await connect(at(join(home, 'new.sock')), {})).toMatchObject({ apiVersion: '1.51' })
    expect(await connect(at(join(home, 'new.sock')), { DOCKER_API_VERSION: '1.45' })).toMatchObject({
      apiVersion: '1.45',
    })
  })

  it('is refused to an engine that is too old', async () => {
    await engineAt(join(home, 'x.sock'), { 'api-version': '1.40' })
    expect((await codeOf(() => connect(at(join(home, 'x.sock')), {})))[0]).toBe('DOCKER_TOO_OLD')
  })

  it('fails with the reason', async () => {
    expect(await codeOf(() => connect(at('/nope'), {}))).toEqual([
      'DOCKER_UNREACHABLE',
      'Docker not reachable at unix:///nope (from DOCKER_HOST): there is no such socket',
    ])
    writeFileSync(join(home, 'stale.sock'), '')
    expect(await codeOf(() => connect(at(join(home, 'stale.sock')), {}))).toEqual([
      'DOCKER_UNREACHABLE',
      `Docker not reachable at unix://${join(home, 'stale.sock')} (from DOCKER_HOST): nobody listens there: the engine is not running`,
    ])
    await engineAt(join(home, 'ill.sock'), {}, 503)
    expect((await codeOf(() => connect(at(join(home, 'ill.sock')), {})))[1]).toContain('status 503')
  })
})

describe('the engine that is chosen', () => {
  const choose = (wanted: 'auto' | 'docker' | 'embedded', env: Record<string, string>) =>
    chooseEngine({ wanted, env: { HOME: home, ...env }, directory: home, commands: { broker: [], bin: [] } })

  it('is embedded when Docker does not answer, with the reason', async () => {
    const { engine, reason } = await choose('auto', { DOCKER_HOST: 'unix:///nope' })
    expect([engine.kind, reason]).toEqual([
      'embedded',
      'Docker not reachable at unix:///nope (from DOCKER_HOST): there is no such socket',
    ])
    const unknown = await choose('auto', { DOCKER_CONTEXT: 'gone' })
    expect(unknown.reason).toContain('there is no Docker context "gone"')
  })

  it('is Docker when it answers, at the endpoint of a context too', async () => {
    await engineAt(join(home, 'colima.sock'), { 'api-version': '1.44' })
    writeContext('colima', `unix://${join(home, 'colima.sock')}`)
    currentContext('colima')
    const { engine, reason } = await choose('auto', {})
    expect([engine.kind, engine.endpoint]).toEqual(['docker', `unix://${join(home, 'colima.sock')}`])
    expect(reason).toBe('Docker API 1.44 answers, from context colima')
  })

  it('is what was asked for, or an error', async () => {
    expect((await choose('embedded', {})).reason).toBe('asked for')
    expect((await codeOf(() => choose('docker', { DOCKER_HOST: 'unix:///nope' })))[0]).toBe('DOCKER_UNREACHABLE')
  })
})
