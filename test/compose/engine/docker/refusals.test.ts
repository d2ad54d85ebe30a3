import { describe, expect, it } from 'vitest'
import { pullRefused, refused } from '../../../../compose/engine/docker/refusals.ts'
import { StackError } from '../../../../compose/errors.ts'

function answer(statusCode: number, text: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${text} `), { statusCode })
}

function told(thrown: Error): [string, string, string] {
  if (!(thrown instanceof StackError)) throw thrown
  return [thrown.code, thrown.message, thrown.next]
}

describe("the engine's refusals", () => {
  it.each([
    [409, 'Conflict. The container name "/shop-redis-1" is already in use by container "abc".', 'NAME_IN_USE'],
    [
      500,
      'driver failed programming external connectivity: Bind for 127.0.0.1:6379 failed: port is already allocated',
      'PORT_BUSY',
    ],
    [500, 'listen tcp4 127.0.0.1:6379: bind: address already in use', 'PORT_BUSY'],
    [400, 'invalid mount config for type "bind": bind source path does not exist: /nope', 'START_FAILED'],
    [400, 'OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown', 'START_FAILED'],
    [404, 'No such image: nope:1', 'IMAGE_PULL_FAILED'],
    [403, 'error while removing network: network x has active endpoints', 'RESOURCE_IN_USE'],
    [409, 'remove data: volume is in use - [abc]', 'RESOURCE_IN_USE'],
    [400, 'client version 1.41 is too old. Minimum supported API version is 1.44', 'DOCKER_TOO_OLD'],
    [500, 'something new', 'DOCKER_REFUSED'],
  ])('%i %s', (status, text, code) => {
    const [known, message] = told(refused('create shop-redis-1', answer(status, text)))
    expect(known).toBe(code)
    expect(message).toBe(`cannot create shop-redis-1: ${text}`)
  })

  it('say what to do where that is known', () => {
    const [, , next] = told(refused('start x', answer(400, 'bind source path does not exist: /nope')))
    expect(next).toContain('Create the directory')
  })

  it('are told apart from an engine that is gone', () => {
    const gone = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    expect(told(refused('start x', gone))[0]).toBe('DOCKER_UNREACHABLE')
  })

  it('are wrapped once, and an abort not at all', () => {
    const once = refused('start x', answer(500, 'no'))
    expect(refused('start y', once)).toBe(once)
    const abort = new DOMException('stop', 'AbortError')
    expect(refused('start x', abort)).toBe(abort)
  })
})

describe('a failed pull', () => {
  it.each([
    ['toomanyrequests: You have reached your unauthenticated pull rate limit.', 'no more pulls'],
    ["pull access denied for nope, repository does not exist or may require 'docker login'", 'no such image'],
    ['manifest for redis:nope not found: manifest unknown', 'no such image'],
    ['unauthorized: authentication required', 'wants a login'],
    ['Head "http://127.0.0.1:5000/v2/tiny/manifests/1": no basic auth credentials', 'wants a login'],
    ['invalid reference format: repository name must be lowercase', 'no name of an image'],
    ['Get "https://127.0.0.1:5000/v2/": http: server gave HTTP response to HTTPS client', 'does not trust'],
    ['received unexpected HTTP status: 503 Service Unavailable', 'a fault of its own'],
    ['no matching manifest for linux/arm64 in the manifest list entries', 'this kind of processor'],
    [
      'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
      'cannot be reached',
    ],
    ['write /var/lib/docker/tmp: no space left on device', 'disk of the Docker engine is full'],
    ['something new', 'something new'],
  ])('%s', (text, words) => {
    const [code, message] = told(pullRefused('redis:8', new Error(text)))
    expect(code).toBe('IMAGE_PULL_FAILED')
    expect(message).toContain('cannot pull redis:8: ')
    expect(message).toContain(words)
    expect(message).toContain(text)
  })
})
