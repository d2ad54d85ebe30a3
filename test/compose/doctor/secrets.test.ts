import { describe, expect, it } from 'vitest'
import {
  isSecretName,
  passwordsIn,
  secretsOfCommand,
  secretsOfEnvironment,
  secretsOfModel,
  worthHiding,
} from '../../../compose/doctor/secrets.ts'

describe('what is secret', () => {
  it.each(['REDIS_PASSWORD', 'GITHUB_TOKEN', 'api_key', 'apiKey', 'AUTH', 'CLIENT_SECRET', 'requirepass', 'PGPASS'])(
    'is what is called %s',
    (name) => expect(isSecretName(name)).toBe(true),
  )

  it.each(['AUTHOR', 'MONKEY', 'HOSTNAME', 'KEYBOARD', 'PATH', 'LEVEL'])('is not what is called %s', (name) =>
    expect(isSecretName(name)).toBe(false),
  )

  it('is the password of an address, as it is written and as it is meant', () => {
    expect(passwordsIn('redis://u:a%2Fb@h/0;amqp://:c@x')).toEqual(['a%2Fb', 'a/b', 'c', 'c'])
  })

  it('is in environments, command lines and files', () => {
    expect(secretsOfEnvironment({ A_TOKEN: 't', URL: 'redis://:p@h', X: 'y', NONE: null })).toEqual(['t', 'p', 'p'])
    expect(secretsOfCommand(['redis-server', '--requirepass', 'one', '--token=two', '--port', '6379'])).toEqual([
      'one',
      'two',
    ])
    const model = {
      services: { a: { environment: { DB_PASSWORD: 'p' }, command: ['x', '--password', 'q'] } },
      secrets: { s: { content: 'one\ntwo' } },
    }
    expect([...new Set(secretsOfModel(model))]).toEqual(['p', 'q', 'one\ntwo', 'one', 'two'])
  })

  it('is not looked for everywhere when everybody has it', () => {
    expect(['true', 'info', '6379', 'abc', 'guest'].filter(worthHiding)).toEqual([])
    expect(['hunter2', '123456', 'x9!k'].filter(worthHiding)).toEqual(['hunter2', '123456', 'x9!k'])
  })
})
