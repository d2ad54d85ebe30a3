import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseEngine } from '../../../../compose/engine/choose.ts'
import { connect, isExplicit, publishedHost, resolveEndpoint } from '../../../../compose/engine/docker/connect.ts'
import { StackError } from '../../../../compose/errors.ts'

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
      `there is no Docker context "nope" in ${join(home, '.docker')}`,
    ])
    expect((await codeOf(() => resolve({ DOCKER_HOST: 'ssh://me@there' })))[0]).toBe('DOCKER_ENDPOINT_UNSUPPORTED')
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
      'Docker not reachable at unix:///nope: ENOENT',
    ])
    writeFileSync(join(home, 'stale.sock'), '')
    expect(await codeOf(() => connect(at(join(home, 'stale.sock')), {}))).toEqual([
      'DOCKER_UNREACHABLE',
      `Docker not reachable at unix://${join(home, 'stale.sock')}: ECONNREFUSED`,
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
    expect([engine.kind, reason]).toEqual(['embedded', 'Docker not reachable at unix:///nope: ENOENT'])
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
