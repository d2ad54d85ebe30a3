import { afterAll, beforeAll, describe } from 'vitest'
import { openBackend } from '../../../src/backend/open.ts'
import { createEmbeddedBroker } from '../../../src/embedded/broker.ts'
import { openTransport } from '../../../src/transport/open.ts'
import { backendConformance } from '../../conformance/backend.ts'
import { redisCannot, transportConformance } from '../../conformance/transport.ts'
import { openRpcAt, rpcCannot } from '../../support/rpc.ts'

describe('the embedded broker', () => {
  const broker = createEmbeddedBroker({ password: 'not guessed' })
  beforeAll(() => broker.start())
  afterAll(() => broker.stop())

  describe('as a transport', () => transportConformance(() => openTransport(broker.url), redisCannot))

  describe('as a carrier of results', () => backendConformance((options) => openRpcAt(broker.url, options), rpcCannot))

  describe('as a backend', () => backendConformance((options) => openBackend(broker.url.replace(/0$/, '1'), options)))
})
