import { describe } from 'vitest'
import { openTransport } from '../../../src/transport/open.ts'
import { transportConformance } from '../../conformance/transport.ts'

describe('memory transport', () => {
  transportConformance(() => openTransport('memory://conformance'))
})
