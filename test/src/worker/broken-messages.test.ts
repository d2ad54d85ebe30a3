import { describe } from 'vitest'
import { survivesBrokenMessages } from '../../conformance/broken-messages.ts'

describe('on the memory transport', () => {
  const url = 'memory://broken-messages'
  survivesBrokenMessages(async () => ({ brokerUrl: url, resultBackend: url }), { fuzzRuns: 500 })
})
