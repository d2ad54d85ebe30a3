import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type ControlClient, createControlClient } from '../../../src/control/client.ts'
import { openMailbox } from '../../../src/control/mailbox.ts'
import { LamportClock } from '../../../src/protocol/lamport.ts'
import { openTransport } from '../../../src/transport/open.ts'
import type { Transport } from '../../../src/transport/transport.ts'

describe('a command', () => {
  let transport: Transport
  let client: ControlClient
  beforeEach(async () => {
    transport = await openTransport('memory://mailbox')
    client = createControlClient(transport, systemClock, new LamportClock())
    for (const nodename of ['w1@here', 'w2@here']) {
      await openMailbox(transport, {
        nodename,
        clock: new LamportClock(),
        carryOut: async () => ({ ok: 'pong' }),
        onError: () => {},
        onNamesake: () => {},
      })
    }
  })
  afterEach(() => transport.close())

  const reached = async (pattern: string, matcher?: 'glob' | 'pcre') => {
    const replies = await client.ask('ping', { pattern, ...(matcher && { matcher }), timeoutMs: 100, limit: 2 })
    return Object.keys(replies).sort()
  }

  it.each([
    ['w?@here', undefined, ['w1@here', 'w2@here']],
    ['w[2-9]@*', undefined, ['w2@here']],
    ['w[!2]@*', undefined, ['w1@here']],
    ['w(1|3)', 'pcre', ['w1@here']],
    ['nobody', undefined, []],
  ] as const)('for %s (%s) reaches %j', async (pattern, matcher, names) => {
    expect(await reached(pattern, matcher)).toEqual(names)
  })

  it.each([
    ['[z-a]', 'glob'],
    ['(', 'pcre'],
    ['(((((.+)+)+)+)+)+!', 'pcre'],
  ] as const)('for %s (%s), which makes no sense, reaches nobody and harms nobody', async (pattern, matcher) => {
    expect(await reached(pattern, matcher)).toEqual([])
    expect(await reached('*')).toEqual(['w1@here', 'w2@here'])
  })
})
