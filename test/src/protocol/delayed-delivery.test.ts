import { expect, it } from 'vitest'
import { delayedRoutingKey, delayLevels, longestDelay } from '../../../src/protocol/delayed-delivery.ts'

it('a delay is a routing key in binary, as Celery 5.6 was seen to write it', () => {
  expect(delayedRoutingKey(5, 'qq')).toBe('0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.1.qq')
  expect(delayedRoutingKey(longestDelay, 'qq')).toBe(`${'1.'.repeat(28)}qq`)
})

it('a message waits at each level whose bit is set, and goes past the others', () => {
  const levels = delayLevels('quorum')
  expect(levels).toHaveLength(28)
  expect(levels[0]).toMatchObject({
    exchange: { name: 'celery_delayed_27', type: 'topic' },
    next: { name: 'celery_delayed_26' },
    waitsFor: '1.#',
    goesPast: '0.#',
  })
  expect(levels.at(-2)).toMatchObject({ waitsFor: `${'*.'.repeat(26)}1.#`, next: { name: 'celery_delayed_0' } })
  expect(levels.at(-1)).toEqual({
    exchange: { name: 'celery_delayed_0', type: 'topic', durable: true },
    next: { name: 'celery_delayed_delivery', type: 'topic', durable: true },
    waitsFor: `${'*.'.repeat(27)}1.#`,
    goesPast: `${'*.'.repeat(27)}0.#`,
    queueArguments: {
      'x-queue-type': 'quorum',
      'x-overflow': 'reject-publish',
      'x-message-ttl': 1000,
      'x-dead-letter-exchange': 'celery_delayed_delivery',
      'x-dead-letter-strategy': 'at-least-once',
    },
  })
})
