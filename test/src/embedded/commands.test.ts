import { describe, expect } from 'vitest'
import { test } from './fixtures.ts'
import { exchangesOf, formatReply, sessions } from './sessions.ts'

describe('the commands', () => {
  for (const [subject, session] of Object.entries(sessions)) {
    test(`answer like Redis about ${subject}`, async ({ client }) => {
      const exchanges = exchangesOf(session)
      const replies = await client.pipeline(exchanges.map(({ request }) => request))
      const actual = exchanges.map(({ request }, index) => ({ request, reply: formatReply(replies[index]) }))
      expect(actual).toEqual(exchanges)
    })
  }
})
