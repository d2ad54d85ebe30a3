import { describe, expect, it } from 'vitest'
import { roleOf } from '../../../compose/file/role.ts'

describe('the role of a service', () => {
  it.each([
    ['redis:8', 'redis'],
    ['valkey/valkey:9', 'redis'],
    ['ghcr.io/acme/redis@sha256:abc', 'redis'],
    ['localhost:5000/rabbitmq:4-management', 'rabbitmq'],
    ['rabbitmq', 'rabbitmq'],
    ['redis-stack:1', undefined],
    ['postgres:17', undefined],
  ])('of image %s is %s', (image, role) => {
    expect(roleOf({ image })).toBe(role)
  })

  it.each([
    [['node_modules/.bin/celery-sandbox', 'worker', '-A', 'app'], 'worker'],
    [['npx', 'celery-sandbox', 'worker'], 'worker'],
    [['sh', '-c', 'exec celery-sandbox worker -l info'], 'worker'],
    [['celery-sandbox', 'beat'], undefined],
    [['celery', '-A', 'app', 'worker'], undefined],
    [[], undefined],
  ])('of command %j is %s', (command, role) => {
    expect(roleOf({ image: 'node:24', command })).toBe(role)
  })

  it('is what its label says, before anything else', () => {
    const labels = { 'dev.celery-sandbox.role': 'worker' }
    expect(roleOf({ labels, image: 'redis:8' })).toBe('worker')
    expect(roleOf({ labels: { 'dev.celery-sandbox.role': 'none' }, image: 'redis:8' })).toBeUndefined()
  })
})
