import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proxyVariables } from '../../../../compose/engine/docker/config-file.ts'
import { credentialsFor, credentialsHeader } from '../../../../compose/engine/docker/credentials.ts'
import { nameAndTag, registryName } from '../../../../compose/engine/docker/reference.ts'

let home = ''

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'docker-login-'))
  mkdirSync(join(home, '.docker'))
})

afterEach(() => rmSync(home, { recursive: true }))

const encoded = (text: string) => Buffer.from(text).toString('base64')
const configure = (config: object) => writeFileSync(join(home, '.docker', 'config.json'), JSON.stringify(config))
const login = (reference: string, env: Record<string, string> = {}) =>
  credentialsFor(reference, { HOME: home, PATH: `${home}:${process.env.PATH}`, ...env })

/** A program that keeps logins, as keychains are asked by the docker CLI. */
function helper(name: string, script: string): void {
  const file = join(home, `docker-credential-${name}`)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
}

describe('an image name', () => {
  it.each([
    ['redis', '', 'redis', 'latest'],
    ['redis:8', '', 'redis', '8'],
    ['team/app:1', '', 'team/app', '1'],
    ['docker.io/library/redis', '', 'docker.io/library/redis', 'latest'],
    ['localhost/app', 'localhost', 'localhost/app', 'latest'],
    ['ghcr.io/team/app:1', 'ghcr.io', 'ghcr.io/team/app', '1'],
    ['127.0.0.1:5000/app', '127.0.0.1:5000', '127.0.0.1:5000/app', 'latest'],
    ['redis@sha256:abc', '', 'redis', 'sha256:abc'],
    ['redis:8@sha256:abc', '', 'redis', 'sha256:abc'],
  ])('%s has a registry, a name and a tag', (reference, registry, name, tag) => {
    expect(registryName(reference)).toBe(registry)
    expect(nameAndTag(reference)).toEqual({ name, tag })
  })
})

describe('the proxies of the docker CLI', () => {
  it('are variables in both spellings, by endpoint before the common ones', () => {
    const proxies = {
      default: { httpProxy: 'http://proxy:3128', noProxy: 'localhost' },
      'unix:///here': { allProxy: 'x' },
    }
    expect(proxyVariables({ proxies }, 'unix:///elsewhere')).toEqual({
      HTTP_PROXY: 'http://proxy:3128',
      http_proxy: 'http://proxy:3128',
      NO_PROXY: 'localhost',
      no_proxy: 'localhost',
    })
    expect(proxyVariables({ proxies }, 'unix:///here')).toEqual({ ALL_PROXY: 'x', all_proxy: 'x' })
    expect(proxyVariables({}, 'unix:///here')).toEqual({})
  })
})

describe('the login for a registry', () => {
  it('is none when nobody logged in', async () => {
    expect(await login('redis')).toBeUndefined()
    configure({})
    expect(await login('redis')).toBeUndefined()
    writeFileSync(join(home, '.docker', 'config.json'), 'no JSON')
    expect(await login('redis')).toBeUndefined()
  })

  it('is what docker login wrote into its configuration, for that registry alone', async () => {
    configure({
      auths: {
        'https://index.docker.io/v1/': { auth: encoded('me:p:w') },
        'ghcr.io': { username: 'you', password: 'secret' },
        'https://old.example.org/v2/': { auth: encoded('old:login') },
        'token.example.org': { identitytoken: 'TOKEN' },
      },
    })
    expect(await login('redis:8')).toEqual({
      username: 'me',
      password: 'p:w',
      serveraddress: 'https://index.docker.io/v1/',
    })
    expect(await login('ghcr.io/x')).toEqual({ username: 'you', password: 'secret', serveraddress: 'ghcr.io' })
    expect(await login('old.example.org/x')).toMatchObject({ username: 'old', password: 'login' })
    expect(await login('token.example.org/x')).toEqual({ identitytoken: 'TOKEN', serveraddress: 'token.example.org' })
    expect(await login('other.example.org/x')).toBeUndefined()
  })

  it('is DOCKER_AUTH_CONFIG before anything else', async () => {
    configure({ auths: { 'ghcr.io': { auth: encoded('file:x') } } })
    const given = JSON.stringify({ auths: { 'ghcr.io': { auth: encoded('given:y') } } })
    expect(await login('ghcr.io/x', { DOCKER_AUTH_CONFIG: given })).toMatchObject({ username: 'given', password: 'y' })
  })

  it('is asked of the helper of the registry, else of the store', async () => {
    configure({ credHelpers: { 'ghcr.io': 'own' }, credsStore: 'store' })
    helper('own', `read host; [ "$1" = get ] && echo "{\\"Username\\":\\"own\\",\\"Secret\\":\\"for $host\\"}"`)
    helper('store', `cat >/dev/null; echo '{"Username":"<token>","Secret":"TOKEN"}'`)
    expect(await login('ghcr.io/x')).toMatchObject({ username: 'own', password: 'for ghcr.io' })
    expect(await login('quay.io/x')).toEqual({ identitytoken: 'TOKEN', serveraddress: 'quay.io' })
  })

  it('is none when the helper has none, or is not there', async () => {
    configure({ credHelpers: { 'ghcr.io': 'empty', 'quay.io': 'missing' } })
    helper('empty', 'echo "credentials not found in native keychain"; exit 1')
    expect(await login('ghcr.io/x')).toBeUndefined()
    expect(await login('quay.io/x')).toBeUndefined()
  })

  it('is given up when a keychain does not answer in time', async () => {
    configure({ credsStore: 'stuck' })
    helper('stuck', 'exec sleep 100')
    const given = await credentialsFor('redis', { HOME: home, PATH: `${home}:${process.env.PATH}` }, 100)
    expect(given).toBeUndefined()
  })

  it('travels as base64 that fits into a header', () => {
    const value = { username: 'ü', password: '???>>>', serveraddress: 'x' }
    const header = credentialsHeader(value)
    expect(header).toMatch(/^[\w-]+=*$/)
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual(value)
  })
})
