import { randomUUID } from 'node:crypto'
import { describe } from 'vitest'
import { canvasConformance } from '../../conformance/canvas.ts'

describe('workflows in memory', () =>
  canvasConformance(async () => {
    const name = randomUUID()
    return { brokerUrl: `memory://${name}`, resultBackend: `memory://${name}` }
  }))
